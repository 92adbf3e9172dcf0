import cat from "../examples/cat.jpg";
import sandstone from "../examples/sandstone.jpg";
import waves from "../examples/waves.jpg";

export interface Example {
  title: string;
  url: string;
}

/** The project's own pictures, for whoever has none at hand. */
export const CONTENT_EXAMPLES: Example[] = [{ title: "Cat", url: cat }];
export const STYLE_EXAMPLES: Example[] = [
  { title: "Sandstone", url: sandstone },
  { title: "Waves", url: waves },
];

export async function loadExample({ title, url }: Example): Promise<File> {
  const response = await fetch(url);
  const blob = await response.blob();
  return new File([blob], `${title.toLowerCase()}.jpg`, { type: blob.type });
}
