#include "volumes/reduction/vector_checks.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

bool any_vectors(const std::vector<ReductionItem>& items) {
  return std::any_of(items.begin(), items.end(), [](const ReductionItem& item) {
    return !item.vectors.volume.empty();
  });
}

}  // namespace

void check_vectors_given(const std::string& filter,
                         const VolumeNeeds& needs,
                         const std::vector<ReductionItem>& items,
                         const UnitRows& target) {
  if (needs.vectors && !any_vectors(items)) {
    throw Error(ErrorCode::kInvalidArgument,
                filter +
                    ": it compares what an encoder sees; write that with `marrow embed RUN` and "
                    "name the file with reduce.vectors=FILE");
  }
  if (needs.target && target.values.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                filter +
                    ": it wants the features of a target set; write them with `marrow embed RUN "
                    "--data SET` and name the file with reduce.target=FILE");
  }
}

void check_vectors_fit(const std::vector<ReductionItem>& items, const std::string& file) {
  if (!any_vectors(items)) {
    return;
  }
  for (const ReductionItem& item : items) {
    const std::size_t slices =
        item.vectors.volume.empty() ? 0 : item.vectors.slices.size() / item.vectors.volume.size();
    if (item.read && slices != item.fingerprint.slices.size()) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("reduce.vectors: {} has the features of {} slices for case \"{}\", "
                              "which has {}; run `marrow embed` again",
                              file,
                              slices,
                              item.one.key,
                              item.fingerprint.slices.size()));
    }
  }
}

}  // namespace marrow
