#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/large_memory.h"
#include "io/worker/messages.h"
#include "io/worker/request_limits.h"

namespace marrow {

// The answer to a request for one volume, label map, geometry or label object.
struct VoxelAnswer {
  WorkerReply reply;
  std::variant<std::monostate, VoxelVector<float>, VoxelVector<std::uint16_t>> voxels;

  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::visit(
        []<class Voxels>(const Voxels& of_type) -> std::span<const std::byte> {
          if constexpr (std::is_same_v<Voxels, std::monostate>) {
            return {};
          } else {
            return std::as_bytes(std::span(of_type));
          }
        },
        voxels);
  }
};

// Reads what `request` asks for of `files`, which are those of the request, in whatever format they
// are. Throws Error where they cannot be read, std::bad_alloc where memory runs out.
[[nodiscard]] VoxelAnswer answer_voxels(const WorkerRequest& request,
                                        const std::vector<std::filesystem::path>& files,
                                        const RequestLimits& limits);

}  // namespace marrow
