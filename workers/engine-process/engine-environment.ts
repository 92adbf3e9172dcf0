import { usableCores } from "./usable-cores.ts";

/**
 * glibc's allocator for a process that takes and frees feature maps of megabytes at every step: each big block is a
 * mapping of its own, in huge pages, and goes back to the system when it is freed. Measured at 512², peak memory
 * 1,550 MiB by default and 1,100 so, since a heap of blocks of many sizes is never as full as it is large; at no
 * more processor time, since huge pages make a fresh block cheap. Other libraries' allocators ignore it.
 */
const ALLOCATOR =
  "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1000000:glibc.malloc.trim_threshold=33554432";

/**
 * What an engine is given of its worker's environment: what finds programs, files and the card, and what steers the
 * libraries. Redis, the store and every secret are none of its business.
 */
const GIVEN =
  /^(PATH|HOME|USER|TMPDIR|TZ|LANG|LC_[A-Z]+|XDG_CACHE_HOME|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH)$|^(CUDA|NVIDIA|TF|XLA|OMP|MKL|ONEDNN)_/;

/** The environment of an engine process, which is to use `threads` cores. */
export function engineEnvironment(
  environment: NodeJS.ProcessEnv,
  threads = usableCores(),
): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => GIVEN.test(name))),
    // TensorFlow's pool within a kernel, and that of the native kernels (native/parallel.cc).
    TF_NUM_INTRAOP_THREADS: String(threads),
    NST_KERNEL_THREADS: String(threads),
    GLIBC_TUNABLES: ALLOCATOR,
    TF_CPP_MIN_LOG_LEVEL: environment.TF_CPP_MIN_LOG_LEVEL ?? "2",
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
  };
}
