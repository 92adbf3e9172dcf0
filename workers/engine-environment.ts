/**
 * The environment of an engine process: what it was given, and how glibc's allocator is to treat big blocks.
 *
 * A step takes and frees the same feature maps of tens of megabytes again and again. By default each comes from the
 * system as fresh zeroed pages and goes back at once; kept by the process, they cost nothing the second time.
 */
export function engineEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...environment,
    MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
    MALLOC_TRIM_THRESHOLD_: String(2 ** 33),
    MALLOC_ARENA_MAX: "1",
    TF_CPP_MIN_LOG_LEVEL: environment.TF_CPP_MIN_LOG_LEVEL ?? "2",
    TF_FORCE_GPU_ALLOW_GROWTH: environment.TF_FORCE_GPU_ALLOW_GROWTH ?? "true",
  };
}
