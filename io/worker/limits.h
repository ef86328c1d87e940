#pragma once

#include <cstdint>

namespace marrow {

// True where the address space can be limited; sanitizers reserve terabytes of it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryLimitWorks = false;
#else
inline constexpr bool kMemoryLimitWorks = true;
#endif

// For the rest of this process: at most `memory_bytes` of address space, few open files, no core
// file, no new privileges, and (where the kernel has seccomp) no sockets, no other programs and no
// file opened for writing.
void enter_sandbox(std::uint64_t memory_bytes);

// SIGXCPU once this process has used `seconds` more of computing time than now.
void grant_cpu_seconds(std::int64_t seconds);

}  // namespace marrow
