import { usableCores } from "./usable-cores.ts";

/**
 * Settings of glibc's allocator for a process that allocates and frees feature maps of megabytes at every step: each large
 * block is a mapping of its own, in huge pages, and returns to the system when it is freed. Measured at 512²: 1,100 MiB of
 * memory at peak instead of 1,550 MiB, since a heap of blocks of many sizes fragments. It costs no processor time, since
 * huge pages make a new block cheap. Other C libraries ignore the settings.
 */
const ALLOCATOR =
  "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1000000:glibc.malloc.trim_threshold=33554432";

/**
 * The variables that the engine inherits: those that locate programs, files and the GPU, and those that configure
 * libraries. It gets no address of Redis or the blob store, and no secret.
 */
const INHERITED =
  /^(PATH|HOME|USER|TMPDIR|TZ|LANG|LC_[A-Z]+|XDG_CACHE_HOME|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH)$|^(CUDA|NVIDIA|TF|XLA|OMP|MKL|ONEDNN)_/;

/** The environment of an engine process that computes on `threads` cores. */
export function engineEnvironment(
  environment: NodeJS.ProcessEnv,
  threads = usableCores(),
): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => INHERITED.test(name))),
    // The thread pools of TensorFlow's kernels and of the native kernels (native/parallel.cc).
    TF_NUM_INTRAOP_THREADS: String(threads),
    NST_KERNEL_THREADS: String(threads),
    GLIBC_TUNABLES: ALLOCATOR,
    TF_CPP_MIN_LOG_LEVEL: environment.TF_CPP_MIN_LOG_LEVEL ?? "2",
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
  };
}
