// Jest runs the compiled tests: what is tested is what ships, child processes included.
export default {
  rootDir: import.meta.dirname,
  roots: ["<rootDir>/dist/test"],
  testMatch: ["**/*.test.js"],
  testEnvironment: "<rootDir>/dist/test/jest-environment.js",
  transform: {},
  injectGlobals: false,
  testTimeout: 120_000,
  // More than the two cores of CI: most tests of processes wait for something.
  maxWorkers: 3,
};
