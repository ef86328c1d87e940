#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/rng.h"
#include "volumes/samplers/sampler.h"

namespace marrow {

// What every sampler shares: the order of the cases, the random stream of a position, and where a
// box may lie. Const members are thread-safe.
class PatchPlan {
 public:
  using Voxel = std::array<std::int32_t, 3>;

  // `sampler` names the sampler in messages. Throws Error{kNothingFound} without cases and
  // Error{kInvalidArgument} for a patch size below 1.
  PatchPlan(std::string_view sampler, const SamplerInput& input);

  [[nodiscard]] const SamplerInput& input() const { return input_; }

  // Every epoch (as many positions as there are cases) visits each case once, in an order of its
  // own.
  [[nodiscard]] std::int64_t case_at(std::uint64_t position) const;
  [[nodiscard]] const StoredCase& info(std::int64_t case_index) const;
  // The stream from which the box of this position is drawn.
  [[nodiscard]] Rng rng(std::uint64_t position) const;
  [[nodiscard]] Patch patch(std::uint64_t position, std::int64_t case_index, const Box& box) const;

  // Boxes lie inside the grid. Along an axis where the grid is smaller than the patch the box is
  // centred on it and reaches outside at both ends (by one voxel more at the low end when the
  // difference is odd).
  [[nodiscard]] Box uniform_box(std::int64_t case_index, Rng& rng) const;
  [[nodiscard]] Box box_around(std::int64_t case_index, const Voxel& voxel) const;

  // A stored position of the body, or of a class drawn uniformly among those present; none when the
  // store has none.
  [[nodiscard]] std::optional<Voxel> body_voxel(std::int64_t case_index, Rng& rng) const;
  [[nodiscard]] std::optional<Voxel> foreground_voxel(std::int64_t case_index, Rng& rng) const;
  [[nodiscard]] bool has_foreground(std::int64_t case_index) const;
  // Throws Error{kInvalidArgument} when none of the cases has a labelled voxel.
  void require_foreground() const;

 private:
  std::string_view sampler_;
  SamplerInput input_;
};

}  // namespace marrow
