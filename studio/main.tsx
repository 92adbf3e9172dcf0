import "./styles/base.css";
import "./styles/controls.css";
import "./styles/compose.css";
import "./styles/options.css";
import "./styles/job.css";
import "./styles/stage.css";
import "./styles/wall.css";
import { render } from "preact";
import { Studio } from "./studio.tsx";

const root = document.querySelector("#studio");
if (root) {
  root.replaceChildren();
  render(<Studio />, root);
}
