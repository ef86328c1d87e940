#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "io/dicom/dcmtk_session.h"

// How data sets of nested sequences (enhanced objects, segmentations, structure sets) are walked.
// For .cpp files of io/dicom only.
namespace marrow {

// Limit of such an object, which describes every frame or contour with some dozens of elements.
inline constexpr std::int64_t kMaxLabelElements = 2'000'000;

// The items of a sequence, none when it is absent or no sequence.
[[nodiscard]] std::vector<DcmItem*> dicom_items(DcmItem& item, const DcmTagKey& tag);
[[nodiscard]] std::vector<DcmItem*> dicom_items(DcmSequenceOfItems& sequence);

// The first item, null when there is none.
[[nodiscard]] DcmItem* first_dicom_item(DcmItem& item, const DcmTagKey& tag);

// Exactly `count` finite numbers, else nothing.
[[nodiscard]] std::optional<std::vector<double>> exact_numbers(DcmItem& item,
                                                               const DcmTagKey& tag,
                                                               std::size_t count);
// One whole number from `low` to `high`, else nothing.
[[nodiscard]] std::optional<std::int64_t> whole_number(DcmItem& item,
                                                       const DcmTagKey& tag,
                                                       std::int64_t low,
                                                       std::int64_t high);

// Numbers of an attribute that may be long, of any representation; nothing when one of them is no
// finite number. Text is read in place, without a list of words.
[[nodiscard]] std::optional<std::vector<double>> long_numbers(DcmItem& item, const DcmTagKey& tag);

// Throws a FileError whose sentence begins with the file's name.
[[noreturn]] void refuse_label_object(ErrorCode code,
                                      const std::string& reason_code,
                                      const std::filesystem::path& file,
                                      const std::string& sentence);

}  // namespace marrow
