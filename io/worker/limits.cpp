#include "io/worker/limits.h"

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

namespace marrow {

namespace {

void set_limit(decltype(RLIMIT_AS) resource, rlim_t value) {
  rlimit limit{};
  if (getrlimit(resource, &limit) == 0) {
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || value < limit.rlim_max ? value : limit.rlim_max;
    limit.rlim_max = limit.rlim_cur;
    setrlimit(resource, &limit);
  }
}

#if defined(__x86_64__)
constexpr std::uint32_t kSandboxArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kSandboxArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kSandboxArchitecture = 0;
#endif

constexpr std::uint32_t word_of(std::size_t offset) {
  return static_cast<std::uint32_t>(offset);
}

void append_denied_call(std::vector<sock_filter>& program, long call) {
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
}

// Denies `call` when its argument number `argument` (open flags) asks for more than reading.
void append_read_only_call(std::vector<sock_filter>& program, long call, std::size_t argument) {
  constexpr auto kWriting = static_cast<std::uint32_t>(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 4));
  program.push_back(
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
               word_of(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t))));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kWriting, 0, 1));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

// A deny list is enough here: what the readers and their libraries call is not ours to enumerate,
// but a child that parses never connects, runs or writes anything.
void forbid_system_calls() {
  if (kSandboxArchitecture == 0 || !kMemoryLimitWorks) {
    return;
  }
  std::vector<sock_filter> program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, word_of(offsetof(seccomp_data, arch))),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSandboxArchitecture, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, word_of(offsetof(seccomp_data, nr))),
  };
  for (const long call : {static_cast<long>(SYS_socket),
                          static_cast<long>(SYS_connect),
                          static_cast<long>(SYS_bind),
                          static_cast<long>(SYS_execve),
                          static_cast<long>(SYS_execveat),
                          static_cast<long>(SYS_ptrace),
                          static_cast<long>(SYS_unlinkat),
                          static_cast<long>(SYS_renameat2),
                          static_cast<long>(SYS_mkdirat),
                          static_cast<long>(SYS_linkat),
                          static_cast<long>(SYS_symlinkat),
                          static_cast<long>(SYS_truncate),
                          static_cast<long>(SYS_fchmodat),
                          static_cast<long>(SYS_fchownat),
                          static_cast<long>(SYS_mknodat)}) {
    append_denied_call(program, call);
  }
#if defined(__x86_64__)
  for (const long call : {static_cast<long>(SYS_fork),
                          static_cast<long>(SYS_vfork),
                          static_cast<long>(SYS_unlink),
                          static_cast<long>(SYS_rename),
                          static_cast<long>(SYS_renameat),
                          static_cast<long>(SYS_mkdir),
                          static_cast<long>(SYS_rmdir),
                          static_cast<long>(SYS_link),
                          static_cast<long>(SYS_symlink),
                          static_cast<long>(SYS_chmod),
                          static_cast<long>(SYS_chown),
                          static_cast<long>(SYS_creat),
                          static_cast<long>(SYS_mknod)}) {
    append_denied_call(program, call);
  }
  append_read_only_call(program, SYS_open, 1);
#endif
  append_read_only_call(program, SYS_openat, 2);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(program.size());
  filter.filter = program.data();
  // A kernel without seccomp answers with an error; the limits above still hold.
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

}  // namespace

void enter_sandbox(std::uint64_t memory_bytes) {
  if (kMemoryLimitWorks) {
    set_limit(RLIMIT_AS, static_cast<rlim_t>(memory_bytes));
  }
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_NOFILE, 64);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  forbid_system_calls();
}

void grant_cpu_seconds(std::int64_t seconds) {
  rusage usage{};
  rlimit limit{};
  if (getrusage(RUSAGE_SELF, &usage) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0) {
    return;
  }
  const auto used = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1;
  limit.rlim_cur = static_cast<rlim_t>(used + seconds);
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
  }
  setrlimit(RLIMIT_CPU, &limit);
}

}  // namespace marrow
