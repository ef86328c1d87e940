// Thousands of damaged copies of small objects that hold a whole volume or its labels in one file:
// every copy is refused with an Error, or gives what the undamaged file gives, unless the damage
// touched an element that says what the voxels are. A file that ends early is always refused.
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/dicom_header.h"
#include "io/dicom/grouping.h"
#include "io/dicom/segmentation_object.h"
#include "io/dicom/structure_set.h"
#include "tests/support/damaged_copies.h"
#include "tests/support/dicom_objects.h"
#include "tests/support/dicom_series.h"
#include "tests/support/label_objects.h"
#include "tests/support/nifti_bytes.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

// All volumes that scanning would use, or nothing. Throws Error.
std::vector<Volume> usable_volumes(const fs::path& file) {
  std::vector<Volume> volumes;
  for (const DicomStack& stack : group_dicom({read_dicom_header(file)})) {
    if (stack.verdict == Verdict::kRefuse) {
      throw Error(ErrorCode::kUnsupported, stack.reason_code + ": " + stack.reason);
    }
    volumes.push_back(read_dicom_stack(std::vector{file}, stack.volume));
    EXPECT_EQ(volumes.back().geometry.size, stack.geometry->size);
  }
  return volumes;
}

class DamagedObjects : public ::testing::Test {
 protected:
  struct Outcome {
    int copies = 0, accepted = 0, accepted_cut = 0;
    std::map<std::string, std::string> changed;  // touched tags -> the first such damage
  };

  // `same`: whether the file gives what the undamaged one gives; throws Error when it is refused.
  // `meaningful`: tags that say what the voxels are. `whole_is_needed`: a cut copy may not even
  // give the same.
  Outcome damage(const fs::path& file,
                 const std::set<std::uint32_t>& meaningful,
                 int every,
                 const std::function<bool(const fs::path&)>& same,
                 bool whole_is_needed = true) const {
    const std::string whole = read_text(file);
    EXPECT_TRUE(same(file));
    Outcome outcome;
    int number = 0;
    testing::CopyDamager(whole).every_way([&](const testing::DamagedCopy& copy) {
      if (number++ % every != 0 || copy.bytes == whole) {
        return;
      }
      ++outcome.copies;
      const fs::path damaged = folder_.path() / "damaged.dcm";
      testing::write_file(damaged, std::string_view(copy.bytes));
      try {
        const bool equal = same(damaged);
        ++outcome.accepted;
        outcome.accepted_cut += copy.cut && whole_is_needed ? 1 : 0;
        const bool may_change =
            std::any_of(copy.touched.begin(), copy.touched.end(), [&](std::uint32_t tag) {
              return meaningful.contains(tag) || (tag >> 16) == 0x0002;  // how the file is written
            });
        if (!equal && !may_change) {
          std::string tags;
          for (const std::uint32_t tag : copy.touched) {
            tags += testing::tag_text(tag);
          }
          outcome.changed.emplace(tags, copy.what);
        }
      } catch (const Error&) {  // refused
      }
    });
    return outcome;
  }

  static void expect_safe(const Outcome& outcome) {
    EXPECT_EQ(outcome.accepted_cut, 0);
    EXPECT_GT(outcome.copies, 500);
    EXPECT_GT(outcome.accepted, 0);
    for (const auto& [tags, what] : outcome.changed) {
      ADD_FAILURE() << "other voxels without a word: " << what << ", " << tags;
    }
  }

  Outcome damage_image(const fs::path& file, int every) const {
    const std::vector<Volume> expected = usable_volumes(file);
    EXPECT_FALSE(expected.empty());
    return damage(file, kImageTags, every, [&](const fs::path& copy) {
      const std::vector<Volume> found = usable_volumes(copy);
      return std::equal(found.begin(),
                        found.end(),
                        expected.begin(),
                        expected.end(),
                        [](const Volume& a, const Volume& b) {
                          return a.voxels == b.voxels &&
                                 geometry_difference(a.geometry, b.geometry).empty();
                        });
    });
  }

  static const std::set<std::uint32_t> kImageTags;
  static const std::set<std::uint32_t> kLabelTags;

  TemporaryFolder folder_;
};

const std::set<std::uint32_t> DamagedObjects::kImageTags{
    0x00080008,  // image type: mosaic or not
    0x00080016,  // SOP class
    0x00080060,  // modality
    0x00180088,  // spacing between slices
    0x00189077, 0x00200032, 0x00200037, 0x00201041, 0x00209056, 0x00209057, 0x00209111, 0x00209113,
    0x00209116, 0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011, 0x00280030, 0x00280100,
    0x00280101, 0x00280102, 0x00280103, 0x00281052, 0x00281053, 0x00289110, 0x00289145, 0x00290010,
    0x00291010, 0x52009229, 0x52009230, 0x7FE00010, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD};

const std::set<std::uint32_t> DamagedObjects::kLabelTags{
    0x00080016, 0x00200032, 0x00200037, 0x00200052, 0x00209111, 0x00209113, 0x00209116,
    0x00280008, 0x00280010, 0x00280011, 0x00280030, 0x00280100, 0x00289110, 0x00620001,
    0x00620002, 0x00620004, 0x0062000A, 0x0062000B, 0x0062000E, 0x52009229, 0x52009230,
    0x30060010, 0x30060022, 0x30060024, 0x30060039, 0x30060040, 0x30060042, 0x30060046,
    0x30060050, 0x30060084, 0x30060020, 0x7FE00010, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD};

TEST_F(DamagedObjects, EnhancedAreRefusedOrUnchanged) {
  expect_safe(damage_image(testing::write_enhanced_object(folder_.path() / "x.dcm"), 1));
}

TEST_F(DamagedObjects, EncapsulatedAreRefusedOrUnchanged) {
  for (const E_TransferSyntax syntax :
       {EXS_RLELossless, EXS_JPEGProcess14SV1, EXS_JPEG2000LosslessOnly}) {
    SCOPED_TRACE(DcmXfer(syntax).getXferName());
    expect_safe(damage_image(testing::write_enhanced_object(folder_.path() / "x.dcm", syntax), 5));
  }
}

TEST_F(DamagedObjects, MosaicsAreRefusedOrUnchanged) {
  expect_safe(damage_image(testing::write_mosaic_object(folder_.path() / "x.dcm"), 1));
}

// Label 1 in a corner, 2 in a bar.
LabelMap corner_and_bar() {
  LabelMap labels = make_grid<std::uint16_t>(testing::oblique_grid());
  for (std::int64_t k = 1; k < 4; ++k) {
    for (std::int64_t j = 0; j < 3; ++j) {
      labels.at(j, j, k) = 1;
      labels.at(6, j + 1, k) = 2;
    }
  }
  return labels;
}

TEST_F(DamagedObjects, SegmentationsAreRefusedOrUnchanged) {
  const LabelMap labels = corner_and_bar();
  for (const std::string type : {"BINARY", "LABELMAP"}) {
    SCOPED_TRACE(type);
    testing::MadeSegmentation made =
        testing::segmentation_of(labels, {{1, "liver"}, {2, "spleen"}});
    if (type == "LABELMAP") {
      made.type = type;
      made.bits = 8;
      for (testing::MadeFrame& frame : made.frames) {
        for (std::uint16_t& pixel : frame.pixels) {
          pixel = static_cast<std::uint16_t>(pixel * frame.segment);
        }
      }
      std::erase_if(made.frames,
                    [](const testing::MadeFrame& frame) { return frame.segment != 1; });
    }
    const fs::path file = testing::write_segmentation(folder_.path() / "seg.dcm", made);
    const auto read = [&](const fs::path& copy) {
      return segmentation_labels(SegmentationObject(copy), {labels.geometry, "1.2.9", {}}).labels;
    };
    const LabelMap expected = read(file);
    expect_safe(damage(file, kLabelTags, 2, [&](const fs::path& copy) {
      return read(copy).voxels == expected.voxels;
    }));
  }
}

TEST_F(DamagedObjects, StructureSetsAreRefusedOrUnchanged) {
  const Geometry grid = testing::oblique_grid();
  testing::MadeStructureSet made;
  for (const int number : {1, 2}) {
    testing::MadeRegion region{number, number == 1 ? "liver" : "spleen", {}};
    for (const double k : {1.0, 2.0, 3.0}) {
      testing::MadeContour contour;
      const double left = number == 1 ? -0.3 : 3.7;
      for (const auto& [i, j] :
           {std::pair(left, 0.6), {left + 2, 0.6}, {left + 2, 3.4}, {left, 3.4}}) {
        contour.points.push_back(grid.to_physical({i, j, k}));
      }
      region.contours.push_back(contour);
    }
    made.regions.push_back(region);
  }
  const fs::path file = testing::write_structure_set(folder_.path() / "set.dcm", made);
  const auto read = [&](const fs::path& copy) {
    return structure_labels(read_structure_set(copy), {grid, "1.2.9", {}}).labels;
  };
  const LabelMap expected = read(file);
  EXPECT_GT(std::count(expected.voxels.begin(), expected.voxels.end(), 2), 10);
  const auto same = [&](const fs::path& copy) { return read(copy).voxels == expected.voxels; };
  expect_safe(damage(file, kLabelTags, 2, same, false));  // what lies behind the contours is not
}

}  // namespace

}  // namespace marrow
