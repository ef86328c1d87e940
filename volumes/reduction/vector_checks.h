#pragma once

#include <string>
#include <vector>

#include "volumes/fingerprints/unit_vectors.h"
#include "volumes/reduction/reduction_item.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {

// Throws Error{kInvalidArgument} when `filter` needs what an encoder sees, or a target set, and
// none is given.
void check_vectors_given(const std::string& filter,
                         const VolumeNeeds& needs,
                         const std::vector<ReductionItem>& items,
                         const UnitRows& target);

// Vectors of other slices than those that are there would leave out the wrong ones: throws
// Error{kRefused} unless each item that was read has as many as slices, or none of all has any.
// `file`: where they come from, for the message.
void check_vectors_fit(const std::vector<ReductionItem>& items, const std::string& file);

}  // namespace marrow
