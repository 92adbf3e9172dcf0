declare module "*.css";
/** The URL at which the build serves the file. */
declare module "*.jpg" {
  const url: string;
  export default url;
}
