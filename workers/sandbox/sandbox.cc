// Runs a program that is kept from what its options name:
//
//   nst-sandbox OPTION... -- PROGRAM ARGUMENT...
//   nst-sandbox --check
//
//   --sockets       It opens no sockets (seccomp).
//   --network       It opens no sockets but Unix sockets, which graphics drivers may need (seccomp).
//   --processes     It neither signals other processes nor changes their limits (seccomp).
//   --permissions   It changes no file's permissions, owner or attributes (seccomp).
//   --writes        It writes only to --write=PATH, files and folders (Landlock).
//   --reads         It also reads only from --read=PATH and --write=PATH (Landlock).
//
// Landlock also keeps it from the memory and the environment of other processes. The restrictions survive exec and apply to all
// child processes. They need no privileges. If one cannot be applied, the program does not start. --check prints the options that
// this kernel supports.

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

#include <initializer_list>
#include <vector>

namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

// Newer than the headers that some compile against (include/uapi/linux/landlock.h, asm-generic/unistd.h).
constexpr long kLandlockCreate = 444, kLandlockAdd = 445, kLandlockRestrict = 446;
constexpr uint32_t kPidfdSendSignal = 424, kIoUringSetup = 425, kFchmodat2 = 452, kSetxattrat = 463, kRemovexattrat = 466;
struct Ruleset {
  uint64_t files, network, scoped;
};
struct __attribute__((packed)) PathBeneath {
  uint64_t allowed;
  int32_t path;
};
constexpr uint64_t kWrite = 1ull << 1, kReadFile = 1ull << 2, kReadFolder = 1ull << 3;
constexpr uint64_t kRemoveAndMake = 0x1ff0;  // bits 4 to 12: remove and make files and folders of every kind
constexpr uint64_t kRefer = 1ull << 13, kTruncate = 1ull << 14;
constexpr uint64_t kBindAndConnect = 3, kAbstractSocketsAndSignals = 3;

struct Options {
  bool sockets, network, processes, permissions, writes, reads;
  std::vector<const char*> writable, readable;
};

int LandlockVersion() { return static_cast<int>(syscall(kLandlockCreate, nullptr, 0, 1)); }

// Allows access to a path and what is below it. A missing path stays inaccessible.
bool Allow(int ruleset, const char* path, uint64_t rights) {
  PathBeneath beneath = {rights, open(path, O_PATH | O_CLOEXEC)};
  if (beneath.path < 0) return true;
  struct stat found;
  bool allowed = fstat(beneath.path, &found) == 0;
  if (allowed && !S_ISDIR(found.st_mode)) beneath.allowed &= kWrite | kReadFile | kTruncate;
  allowed = allowed && syscall(kLandlockAdd, ruleset, 1, &beneath, 0) == 0;
  close(beneath.path);
  return allowed;
}

// Restricts access to files and to other processes' memory. Returns false if the kernel cannot.
bool RestrictFiles(const Options& options) {
  const int version = LandlockVersion();
  if (version < 1) return false;
  uint64_t writes = kWrite | kRemoveAndMake;
  if (version >= 2) writes |= kRefer;
  if (version >= 3) writes |= kTruncate;
  const uint64_t reads = options.reads ? kReadFile | kReadFolder : 0;
  Ruleset rules = {writes | reads, version >= 4 ? kBindAndConnect : 0, version >= 6 ? kAbstractSocketsAndSignals : 0};
  const size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const int ruleset = static_cast<int>(syscall(kLandlockCreate, &rules, size, 0));
  if (ruleset < 0) return false;
  for (const char* path : options.writable) {
    if (!Allow(ruleset, path, writes | reads)) return false;
  }
  for (const char* path : options.readable) {
    if (reads != 0 && !Allow(ruleset, path, reads)) return false;
  }
  const bool restricted = syscall(kLandlockRestrict, ruleset, 0) == 0;
  close(ruleset);
  return restricted;
}

#if defined(__x86_64__) || defined(__aarch64__)
// Builds a seccomp filter, rule by rule.
class Filter {
 public:
  Filter() {
    Load(offsetof(seccomp_data, arch));
    Jump(BPF_JEQ, kArchitecture, 1, 0);
    Answer(EACCES);  // a system call of another architecture
    Load(offsetof(seccomp_data, nr));
    Jump(BPF_JGE, 0x40000000, 0, 1);
    Answer(EACCES);  // an x32 system call
  }
  void Block(uint32_t number, uint16_t error) {
    Jump(BPF_JEQ, number, 0, 1);
    Answer(error);
  }
  // Blocks a call unless its argument has one of two values, as 32 bits: process ids and socket families are ints.
  void BlockUnless(uint32_t number, int argument, uint32_t one, uint32_t other, uint16_t error) {
    Jump(BPF_JEQ, number, 0, 5);
    Load(offsetof(seccomp_data, args) + argument * sizeof(uint64_t));
    Jump(BPF_JEQ, one, 2, 0);
    Jump(BPF_JEQ, other, 1, 0);
    Answer(error);
    Add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  bool Apply() {
    Add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program = {static_cast<unsigned short>(program_.size()), program_.data()};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  void Add(sock_filter statement) { program_.push_back(statement); }
  void Load(size_t offset) { Add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset))); }
  void Answer(uint16_t error) { Add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | uint32_t{error})); }
  void Jump(uint16_t test, uint32_t value, uint8_t if_true, uint8_t if_false) {
    Add(BPF_JUMP(static_cast<uint16_t>(BPF_JMP | BPF_K | test), value, if_true, if_false));
  }

  std::vector<sock_filter> program_;
};

// Blocks system calls. Returns false if the kernel cannot.
bool RestrictCalls(const Options& options) {
  Filter filter;
  const uint32_t self = static_cast<uint32_t>(getpid());  // of the program too, as exec keeps it
  if (options.sockets || options.network) {
    const uint32_t family = options.sockets ? uint32_t{AF_MAX} : uint32_t{AF_UNIX};
    filter.BlockUnless(__NR_socket, 0, family, family, EACCES);
    filter.Block(kIoUringSetup, ENOSYS);  // io_uring opens sockets without the system calls that this filter sees
  }
  if (options.processes) {
    filter.BlockUnless(__NR_prlimit64, 0, 0, self, EPERM);
    for (const uint32_t call : {__NR_kill, __NR_tgkill, __NR_rt_sigqueueinfo, __NR_rt_tgsigqueueinfo}) {
      filter.BlockUnless(call, 0, self, self, EPERM);
    }
    // By a thread's id or a process's descriptor, of which the filter cannot tell whose it is.
    for (const uint32_t call : {uint32_t{__NR_tkill}, kPidfdSendSignal}) filter.Block(call, EPERM);
  }
  if (options.permissions) {
    for (const uint32_t call : {uint32_t{__NR_fchmod}, uint32_t{__NR_fchmodat}, kFchmodat2, uint32_t{__NR_fchown},
                                uint32_t{__NR_fchownat}, uint32_t{__NR_setxattr}, uint32_t{__NR_lsetxattr},
                                uint32_t{__NR_fsetxattr}, kSetxattrat, uint32_t{__NR_removexattr},
                                uint32_t{__NR_lremovexattr}, uint32_t{__NR_fremovexattr}, kRemovexattrat,
#if defined(__x86_64__)
                                uint32_t{__NR_chmod}, uint32_t{__NR_chown}, uint32_t{__NR_lchown},
#endif
                                uint32_t{__NR_truncate}}) {  // by path; Landlock restricts it from version 3 on
      filter.Block(call, EPERM);
    }
  }
  return filter.Apply();
}
#else
bool RestrictCalls(const Options&) { return false; }
#endif

// Root without capabilities is an ordinary user. With them it could read other processes' environment despite Landlock.
bool DropCapabilities() {
  __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  return syscall(__NR_capset, &head, none) == 0;
}

// Returns false if the option is unknown.
bool Parse(const char* option, Options& options) {
  const struct {
    const char* name;
    bool& flag;
  } flags[] = {{"--sockets", options.sockets},         {"--network", options.network}, {"--processes", options.processes},
               {"--permissions", options.permissions}, {"--writes", options.writes},   {"--reads", options.reads}};
  for (const auto& [name, flag] : flags) {
    if (strcmp(option, name) == 0) return flag = true;
  }
  if (strncmp(option, "--write=", 8) == 0) return options.writable.push_back(option + 8), true;
  if (strncmp(option, "--read=", 7) == 0) return options.readable.push_back(option + 7), true;
  return false;
}

int Fail(const char* what) {
  fprintf(stderr, "nst-sandbox: %s: %s\n", what, strerror(errno));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Fail("cannot give up privileges");
  Options options = {};
  if (argc == 2 && strcmp(argv[1], "--check") == 0) {
    options = {true, true, true, true, true, true, {}, {}};
    if (RestrictCalls(options)) puts("--sockets\n--network\n--processes\n--permissions");
    if (RestrictFiles(options)) puts("--writes\n--reads");
    return 0;
  }
  int end = 1;
  while (end < argc && strcmp(argv[end], "--") != 0 && Parse(argv[end], options)) ++end;
  if (end + 1 >= argc || strcmp(argv[end], "--") != 0) {
    fputs("usage: nst-sandbox OPTION... -- PROGRAM ARGUMENT..., or nst-sandbox --check\n", stderr);
    return 2;
  }
  if (!DropCapabilities()) return Fail("cannot drop capabilities");
  if ((options.writes || options.reads) && !RestrictFiles(options)) return Fail("cannot restrict files");
  const bool calls = options.sockets || options.network || options.processes || options.permissions;
  if (calls && !RestrictCalls(options)) return Fail("cannot restrict system calls");
  execvp(argv[end + 1], argv + end + 1);
  return Fail(argv[end + 1]), 127;
}
