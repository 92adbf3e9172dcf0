// Runs a program that can open no socket, can write only to the given files and folders, and can neither read the memory or
// the environment of other processes nor signal them:
//
//   nst-sandbox [--local-sockets] PATH... -- PROGRAM ARGUMENT...
//   nst-sandbox --check
//
// The restrictions survive exec and apply to all child processes. The sandbox needs no privileges: a seccomp filter blocks
// sockets, Landlock restricts files and processes, each as far as the kernel supports it. --check prints the supported
// restrictions. --local-sockets allows Unix sockets, which graphics drivers may need.

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

// Newer than the headers that some compile against (include/uapi/linux/landlock.h, asm-generic/unistd.h).
constexpr long kLandlockCreate = 444, kLandlockAdd = 445, kLandlockRestrict = 446, kIoUringSetup = 425;
struct Ruleset {
  uint64_t files, network, scoped;
};
struct __attribute__((packed)) PathBeneath {
  uint64_t allowed;
  int32_t path;
};
constexpr uint64_t kWrite = 1ull << 1;
constexpr uint64_t kRemoveAndMake = 0x1ff0;  // bits 4 to 12: remove and make files and folders of every kind
constexpr uint64_t kRefer = 1ull << 13, kTruncate = 1ull << 14;
constexpr uint64_t kBindAndConnect = 3, kAbstractSocketsAndSignals = 3;

int LandlockVersion() { return static_cast<int>(syscall(kLandlockCreate, nullptr, 0, 1)); }

// Restricts file writes and access to other processes. Returns false if the kernel cannot.
bool RestrictFiles(char** paths, int count) {
  const int version = LandlockVersion();
  if (version < 1) return false;
  uint64_t writes = kWrite | kRemoveAndMake;
  if (version >= 2) writes |= kRefer;
  if (version >= 3) writes |= kTruncate;
  Ruleset rules = {writes, version >= 4 ? kBindAndConnect : 0, version >= 6 ? kAbstractSocketsAndSignals : 0};
  const size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const int ruleset = static_cast<int>(syscall(kLandlockCreate, &rules, size, 0));
  if (ruleset < 0) return false;
  for (int i = 0; i < count; ++i) {
    // A missing path cannot be written to either.
    PathBeneath beneath = {writes, open(paths[i], O_PATH | O_CLOEXEC)};
    struct stat found;
    if (beneath.path < 0 || fstat(beneath.path, &found) != 0) continue;
    if (!S_ISDIR(found.st_mode)) beneath.allowed &= kWrite | kTruncate;
    if (syscall(kLandlockAdd, ruleset, 1, &beneath, 0) != 0) return false;
    close(beneath.path);
  }
  const bool restricted = syscall(kLandlockRestrict, ruleset, 0) == 0;
  close(ruleset);
  return restricted;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

// Blocks every system call that opens a socket. Returns false if the kernel cannot.
bool RestrictSockets(bool local_sockets) {
#if defined(__x86_64__) || defined(__aarch64__)
  sock_filter filter[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      ANSWER(EACCES),  // a system call of another architecture
      LOAD(nr),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
      ANSWER(EACCES),  // an x32 system call
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kIoUringSetup, 0, 1),
      ANSWER(ENOSYS),  // io_uring opens sockets without the system calls that this filter sees
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
      LOAD(args[0]),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(local_sockets ? AF_UNIX : AF_MAX), 1, 0),
      ANSWER(EACCES),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
  return false;
#endif
}

// Root without capabilities is an ordinary user. With them it could read other processes' environment despite Landlock.
void DropCapabilities() {
  __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  syscall(__NR_capset, &head, none);
}

int Usage() {
  fputs("usage: nst-sandbox [--local-sockets] PATH... -- PROGRAM ARGUMENT..., or nst-sandbox --check\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return perror("nst-sandbox"), 1;
  if (argc == 2 && strcmp(argv[1], "--check") == 0) {
    if (RestrictSockets(false)) puts("sockets");
    if (RestrictFiles(nullptr, 0)) puts("files");
    return 0;
  }
  int first = 1;
  const bool local_sockets = argc > 1 && strcmp(argv[1], "--local-sockets") == 0;
  if (local_sockets) ++first;
  int end = first;
  while (end < argc && strcmp(argv[end], "--") != 0) ++end;
  if (end + 1 >= argc) return Usage();
  DropCapabilities();
  RestrictFiles(argv + first, end - first);
  RestrictSockets(local_sockets);
  execvp(argv[end + 1], argv + end + 1);
  perror(argv[end + 1]);
  return 127;
}
