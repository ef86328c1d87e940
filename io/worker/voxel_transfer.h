#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/worker/channel.h"

// How the voxels of a decoded volume come from the child to the program.
namespace marrow {

enum class MemoryRead { kDone, kForbidden, kFailed };

// Out of the memory of the child, which saves the way through a memory file. Whatever address it
// gives, it is its own memory that is read. kForbidden: the system does not allow this at all.
[[nodiscard]] MemoryRead read_memory_of(int process,
                                        std::uint64_t address,
                                        std::span<std::byte> into);

// A memory file with these bytes that can change no more. Throws FileError (kResources).
[[nodiscard]] Descriptor sealed_memory_file(std::span<const std::byte> bytes);

// Out of a memory file. The child may have been taken over by the file it parsed: the size is
// checked, and the file is read rather than mapped, so that cutting it short while it is read ends
// in an error, not in a signal. Throws Error{kInternal}.
void read_memory_file(const Descriptor& file, std::span<std::byte> into);

}  // namespace marrow
