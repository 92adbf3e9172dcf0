/** Something that set-up cannot fix: what is wrong, and what you can do. */
export class SetupFailure extends Error {
  /**
   * @param {string} problem one sentence: what is missing or wrong
   * @param {string} remedy what to do about it
   */
  constructor(problem, remedy) {
    super(problem);
    this.name = "SetupFailure";
    this.remedy = remedy;
  }
}

/**
 * Runs a script's main function, and turns a SetupFailure into one clear message and exit code 1.
 * @param {() => Promise<void>} main
 */
export async function runScript(main) {
  try {
    await main();
  } catch (error) {
    if (error instanceof SetupFailure) {
      console.error(`\nStopped: ${error.message}\nTo do:   ${error.remedy.replaceAll("\n", "\n         ")}`);
    } else {
      console.error(error);
    }
    process.exitCode = 1;
  }
}
