#include "io/worker/voxel_transfer.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/error.h"
#include "core/progress.h"
#include "io/file_error.h"

namespace marrow {

MemoryRead read_memory_of(int process, std::uint64_t address, std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const iovec local{into.data() + done, into.size() - done};
    const iovec remote{reinterpret_cast<void*>(address + done), into.size() - done};
    const ssize_t count = ::process_vm_readv(process, &local, 1, &remote, 1, 0);
    if (count <= 0) {
      return count < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES)
                 ? MemoryRead::kForbidden
                 : MemoryRead::kFailed;
    }
    done += static_cast<std::size_t>(count);
  }
  return MemoryRead::kDone;
}

Descriptor sealed_memory_file(std::span<const std::byte> bytes) {
  Descriptor file(::memfd_create("voxels", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) {
    throw FileError(ErrorCode::kResources, "out-of-memory", "no memory file for the voxels");
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      throw FileError(ErrorCode::kResources,
                      "out-of-memory",
                      "no memory left for " + format_bytes(bytes.size()) + " of voxels");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  return file;
}

void read_memory_file(const Descriptor& file, std::span<std::byte> into) {
  struct stat status {};

  MARROW_CHECK(file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode));
  MARROW_CHECK(static_cast<std::size_t>(status.st_size) == into.size());
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t count =
        ::pread(file.get(), into.data() + done, into.size() - done, static_cast<off_t>(done));
    MARROW_CHECK(count > 0 || (count < 0 && errno == EINTR));
    done += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
}

}  // namespace marrow
