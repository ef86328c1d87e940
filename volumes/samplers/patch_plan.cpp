#include "volumes/samplers/patch_plan.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"

namespace marrow {

namespace {

std::int64_t centred_start(std::int64_t grid, std::int64_t patch) {
  const std::int64_t spare = patch - grid;  // > 0
  return -((spare + 1) / 2);
}

PatchPlan::Voxel pick_position(std::span<const PatchPlan::Voxel> positions, Rng& rng) {
  return positions[static_cast<std::size_t>(
      rng.below(static_cast<std::int64_t>(positions.size())))];
}

}  // namespace

PatchPlan::PatchPlan(std::string_view sampler, const SamplerInput& input)
    : sampler_(sampler), input_(input) {
  MARROW_CHECK(input.store != nullptr);
  if (input.cases.empty()) {
    throw Error(ErrorCode::kNothingFound,
                std::string(sampler) +
                    ": expected at least one case to draw patches from, found none; "
                    "check the split of the data set");
  }
  for (const std::int64_t index : input.cases) {
    MARROW_CHECK(index >= 0 && index < input.store->size());
  }
  for (const std::int64_t size : input.patch_size) {
    if (size < 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  std::string(sampler) +
                      ": expected a patch size of at least 1 along every axis, found " +
                      std::to_string(size));
    }
  }
}

std::int64_t PatchPlan::case_at(std::uint64_t position) const {
  const auto count = static_cast<std::uint64_t>(input_.cases.size());
  const std::uint64_t epoch = position / count;
  const std::uint64_t order = derive_seed(input_.seed, "epoch", {epoch});
  return input_.cases[static_cast<std::size_t>(permuted(position % count, count, order))];
}

const StoredCase& PatchPlan::info(std::int64_t case_index) const {
  return input_.store->info(case_index);
}

Rng PatchPlan::rng(std::uint64_t position) const {
  return Rng(input_.seed, "box", {position});
}

Patch PatchPlan::patch(std::uint64_t position, std::int64_t case_index, const Box& box) const {
  return Patch{case_index, box, derive_seed(input_.seed, "patch", {position})};
}

Box PatchPlan::uniform_box(std::int64_t case_index, Rng& rng) const {
  const Size3& grid = info(case_index).geometry.size;
  Box box{{0, 0, 0}, input_.patch_size};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t spare = grid[axis] - box.size[axis];
    box.start[axis] = spare >= 0 ? rng.below(spare + 1) : centred_start(grid[axis], box.size[axis]);
  }
  return box;
}

Box PatchPlan::box_around(std::int64_t case_index, const Voxel& voxel) const {
  const Size3& grid = info(case_index).geometry.size;
  Box box{{0, 0, 0}, input_.patch_size};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t spare = grid[axis] - box.size[axis];
    box.start[axis] = spare >= 0
                          ? std::clamp<std::int64_t>(voxel[axis] - box.size[axis] / 2, 0, spare)
                          : centred_start(grid[axis], box.size[axis]);
  }
  return box;
}

std::optional<PatchPlan::Voxel> PatchPlan::body_voxel(std::int64_t case_index, Rng& rng) const {
  const auto positions = input_.store->positions(case_index, 0);
  if (positions.empty()) {
    return std::nullopt;
  }
  return pick_position(positions, rng);
}

std::optional<PatchPlan::Voxel> PatchPlan::foreground_voxel(std::int64_t case_index,
                                                            Rng& rng) const {
  std::vector<std::int64_t> present;
  const auto classes = static_cast<std::int64_t>(info(case_index).label_fractions.size());
  for (std::int64_t value = 1; value <= classes; ++value) {
    if (!input_.store->positions(case_index, value).empty()) {
      present.push_back(value);
    }
  }
  if (present.empty()) {
    return std::nullopt;
  }
  const auto chosen =
      static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(present.size())));
  return pick_position(input_.store->positions(case_index, present[chosen]), rng);
}

bool PatchPlan::has_foreground(std::int64_t case_index) const {
  const std::vector<double>& fractions = info(case_index).label_fractions;
  return std::any_of(fractions.begin(), fractions.end(), [](double share) { return share > 0; });
}

void PatchPlan::require_foreground() const {
  if (std::none_of(input_.cases.begin(), input_.cases.end(), [this](std::int64_t index) {
        return has_foreground(index);
      })) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(sampler_) + ": expected labelled cases, but none of the " +
                    std::to_string(input_.cases.size()) +
                    " has a labelled voxel; use body_patch or uniform_patch");
  }
}

}  // namespace marrow
