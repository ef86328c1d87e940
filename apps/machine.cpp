#include "apps/machine.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string_view>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

#include <Eigen/Core>
#include <fmt/format.h>
#include <torch/version.h>

#include "core/files.h"
#include "core/progress.h"
#include "core/text.h"
#include "io/library_versions.h"

namespace marrow {
namespace {

constexpr std::uint64_t kLeastMemory = std::uint64_t{4} << 30;
constexpr std::uint64_t kLeastDisk = std::uint64_t{5} << 30;
// The revision of Debian's DCMTK 3.6.7 that carries the known security fixes.
constexpr int kSafeDcmtkRevision = 4;

// The value behind "key : value" in a file of /proc; empty when absent.
std::string machine_proc_value(const char* file, std::string_view key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && trim(std::string_view(line).substr(0, colon)) == key) {
      return std::string(trim(std::string_view(line).substr(colon + 1)));
    }
  }
  return {};
}

Check machine_processor() {
  const std::string model = machine_proc_value("/proc/cpuinfo", "model name");
  const std::vector<std::string> present =
      split_words(machine_proc_value("/proc/cpuinfo", "flags"), ' ');
  std::vector<std::string> found;
  for (const char* flag : {"avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"}) {
    if (std::find(present.begin(), present.end(), flag) != present.end()) {
      found.emplace_back(flag);
    }
  }
  const bool fast = std::find(found.begin(), found.end(), "avx2") != found.end();
  return {"cpu",
          true,
          fmt::format("{}; {}{}",
                      model.empty() ? "unknown processor" : model,
                      found.empty() ? "no vector extensions known to us" : join(found, " "),
                      fast ? "" : " (training will be slow without AVX2)")};
}

Check machine_memory() {
  const std::string text = machine_proc_value("/proc/meminfo", "MemAvailable");
  std::uint64_t kibibytes = 0;
  std::istringstream(text) >> kibibytes;
  const std::uint64_t bytes = kibibytes * 1024;
  const bool enough = bytes >= kLeastMemory;
  return {"memory",
          enough,
          format_bytes(bytes) + " available" +
              (enough ? ""
                      : "; at least " + format_bytes(kLeastMemory) +
                            " are needed: close other programs")};
}

Check machine_disk(std::filesystem::path folder) {
  folder = std::filesystem::absolute(folder);
  std::error_code ignored;
  while (!std::filesystem::exists(folder, ignored) && folder.has_parent_path() &&
         folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  const std::uint64_t bytes = free_disk_bytes(folder);
  const bool enough = bytes >= kLeastDisk;
  const bool writable = access(folder.c_str(), W_OK) == 0;
  return {"disk",
          enough && writable,
          fmt::format("{} free at {}{}{}",
                      format_bytes(bytes),
                      folder.string(),
                      enough ? ""
                             : "; at least " + format_bytes(kLeastDisk) +
                                   " are wanted: choose another --work",
                      writable ? "" : "; the folder is not writable: choose another --work")};
}

Check machine_gpu() {
  std::ifstream driver("/proc/driver/nvidia/version");
  std::string line;
  std::getline(driver, line);
#ifdef MARROW_CUDA
  constexpr std::string_view kBuild = "this build has CUDA";
#else
  constexpr std::string_view kBuild = "this build is for the CPU";
#endif
  return {"gpu", true, fmt::format("{}; {}", line.empty() ? "no NVIDIA driver" : line, kBuild)};
}

// Debian's package database; empty on other systems.
std::string machine_package_version(std::string_view package) {
  std::ifstream status("/var/lib/dpkg/status");
  bool inside = false;
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("Package: ", 0) == 0) {
      inside = std::string_view(line).substr(9) == package;
    } else if (inside && line.rfind("Version: ", 0) == 0) {
      return line.substr(9);
    }
  }
  return {};
}

Check machine_dcmtk() {
  const std::string version = machine_package_version("libdcmtk17");
  const std::size_t mark = version.rfind("deb12u");
  int revision = kSafeDcmtkRevision;
  if (mark != std::string::npos) {
    std::istringstream(version.substr(mark + 6)) >> revision;
  }
  const bool safe = version.empty() || revision >= kSafeDcmtkRevision;
  return {"dcmtk",
          safe,
          fmt::format(
              "DCMTK {}{}{}",
              dcmtk_version(),
              version.empty() ? "" : ", package " + version,
              safe ? ""
                   : fmt::format(
                         " lacks security fixes: apt-get install libdcmtk17 (deb12u{} or later)",
                         kSafeDcmtkRevision))};
}

}  // namespace

std::vector<Check> machine_checks(const std::filesystem::path& work, std::int64_t threads) {
  utsname system{};
  uname(&system);
  std::vector<Check> checks;
  checks.push_back(
      {"system", true, fmt::format("{} {} {}", system.sysname, system.release, system.machine)});
  checks.push_back(machine_processor());
  checks.push_back(
      {"threads",
       true,
       fmt::format("{} in use of {}", threads, std::max(1U, std::thread::hardware_concurrency()))});
  checks.push_back(machine_memory());
  checks.push_back(machine_disk(work));
  checks.push_back(machine_gpu());
  checks.push_back(machine_dcmtk());
  checks.push_back({"libraries",
                    true,
                    fmt::format("marrow {}, LibTorch {}, SQLite {}, Eigen {}.{}.{}, fmt {}.{}.{}",
                                MARROW_VERSION,
                                TORCH_VERSION,
                                sqlite_version(),
                                EIGEN_WORLD_VERSION,
                                EIGEN_MAJOR_VERSION,
                                EIGEN_MINOR_VERSION,
                                FMT_VERSION / 10000,
                                FMT_VERSION / 100 % 100,
                                FMT_VERSION % 100)});
  return checks;
}

}  // namespace marrow
