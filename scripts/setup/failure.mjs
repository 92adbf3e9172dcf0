/** Something that set-up cannot mend by itself: what is wrong, and what the person in front of it can do. */
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
 * Runs a command-line script's main function: a SetupFailure becomes one clear message and exit code 1.
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
