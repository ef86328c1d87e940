#include "io/dicom/functional_groups.h"

#include <functional>
#include <string>

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/grouping.h"
#include "tests/support/dicom_made.h"

namespace marrow {

namespace {

using testing::add_item;
using testing::ds;
using ::testing::HasSubstr;
using testing::put_text;

struct MadeFrame {
  int slice = 0;
  int value = 0;  // of every stored pixel
  double slope = 1;
  std::string temporal = {};  // empty: not said
  std::string b_value = {}, gradient = {}, stack = {}, dimension = {};
  bool coronal = false;
  bool placed = true;  // with a position
};

constexpr int kMadeRows = 3;
constexpr int kMadeColumns = 5;

class EnhancedFiles : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::vector<MadeFrame>& frames,
                              const std::function<void(DcmDataset&)>& change = nullptr) {
    DcmFileFormat format;
    DcmDataset& data = *format.getDataset();
    testing::start_image(data, kMadeRows, kMadeColumns);
    put_text(data, DCM_SOPClassUID, UID_EnhancedMRImageStorage);
    put_text(data, DCM_NumberOfFrames, std::to_string(frames.size()));
    DcmItem& shared = add_item(data, DCM_SharedFunctionalGroupsSequence);
    put_text(add_item(shared, DCM_PixelMeasuresSequence), DCM_PixelSpacing, "1.5\\2");
    DcmItem& dimension = add_item(data, DCM_DimensionIndexSequence);
    EXPECT_TRUE(
        dimension.putAndInsertTagKey(DCM_DimensionIndexPointer, DCM_InStackPositionNumber).good());
    DcmItem& other = add_item(data, DCM_DimensionIndexSequence);
    EXPECT_TRUE(
        other.putAndInsertTagKey(DCM_DimensionIndexPointer, DcmTagKey(0x2005, 0x1429)).good());
    std::vector<Uint16> pixels;
    for (const MadeFrame& frame : frames) {
      add_frame(data, frame);
      pixels.insert(pixels.end(), kMadeRows * kMadeColumns, static_cast<Uint16>(frame.value));
    }
    testing::put_pixels(data, pixels);
    if (change) {
      change(data);
    }
    return testing::save_image(format, folder_.path() / (std::to_string(++count_) + ".dcm"));
  }

  static void add_frame(DcmDataset& data, const MadeFrame& frame) {
    DcmItem& groups = add_item(data, DCM_PerFrameFunctionalGroupsSequence);
    const std::string along = ds(10 + 2.5 * frame.slice);
    if (frame.placed) {
      put_text(add_item(groups, DCM_PlanePositionSequence),
               DCM_ImagePositionPatient,
               frame.coronal ? "0\\" + along + "\\5" : "0\\5\\" + along);
    }
    put_text(add_item(groups, DCM_PlaneOrientationSequence),
             DCM_ImageOrientationPatient,
             frame.coronal ? "1\\0\\0\\0\\0\\-1" : "1\\0\\0\\0\\1\\0");
    DcmItem& rescale = add_item(groups, DCM_PixelValueTransformationSequence);
    put_text(rescale, DCM_RescaleSlope, ds(frame.slope));
    put_text(rescale, DCM_RescaleIntercept, "0");
    DcmItem& content = add_item(groups, DCM_FrameContentSequence);
    if (!frame.stack.empty()) {
      put_text(content, DCM_StackID, frame.stack);
    }
    if (!frame.temporal.empty()) {
      EXPECT_TRUE(content
                      .putAndInsertUint32(DCM_TemporalPositionIndex,
                                          static_cast<Uint32>(std::stoul(frame.temporal)))
                      .good());
    }
    if (!frame.dimension.empty()) {
      const std::vector<Uint32> values{static_cast<Uint32>(frame.slice + 1),
                                       static_cast<Uint32>(std::stoul(frame.dimension))};
      DcmElement* element = new DcmUnsignedLong(DCM_DimensionIndexValues);
      EXPECT_TRUE(element->putUint32Array(values.data(), 2).good());
      EXPECT_TRUE(content.insert(element, OFTrue).good());
    }
    if (!frame.b_value.empty()) {
      DcmItem& diffusion = add_item(groups, DCM_MRDiffusionSequence);
      EXPECT_TRUE(
          diffusion.putAndInsertFloat64(DCM_DiffusionBValue, std::stod(frame.b_value)).good());
      if (!frame.gradient.empty()) {
        DcmItem& direction = add_item(diffusion, DCM_DiffusionGradientDirectionSequence);
        EXPECT_TRUE(
            direction
                .putAndInsertFloat64(DCM_DiffusionGradientOrientation, std::stod(frame.gradient), 0)
                .good());
        const std::vector<Float64> values{std::stod(frame.gradient), 0.6, 0.8};
        DcmElement* element = new DcmFloatingPointDouble(DCM_DiffusionGradientOrientation);
        EXPECT_TRUE(element->putFloat64Array(values.data(), 3).good());
        EXPECT_TRUE(direction.insert(element, OFTrue).good());
      }
    }
  }

  TemporaryFolder folder_;
  int count_ = 0;
};

std::vector<DicomStack> grouped(const std::filesystem::path& file) {
  return group_dicom({read_dicom_header(file)});
}

// Real value of the first voxel of every slice, as the volume of a stack is read.
std::vector<float> slices_of(const DicomStack& stack) {
  const Volume volume = read_dicom_stack(std::vector{stack.slices[0].file}, stack.volume);
  std::vector<float> values;
  for (std::int64_t k = 0; k < volume.geometry.size[2]; ++k) {
    values.push_back(volume.at(0, 0, k));
    EXPECT_EQ(volume.at(kMadeColumns - 1, kMadeRows - 1, k), values.back());
  }
  return values;
}

TEST_F(EnhancedFiles, OfWhichAFrameHasNoPlaceAreRefusedAsAWhole) {
  for (const int lost : {0, 1, 4}) {  // at an end nothing in the other frames would tell
    std::vector<MadeFrame> frames;
    for (int slice = 0; slice < 5; ++slice) {
      frames.push_back({.slice = slice, .value = 10, .placed = slice != lost});
    }
    const auto file = write(frames);

    for (const DicomStack& stack : grouped(file)) {
      EXPECT_EQ(stack.verdict, Verdict::kRefuse) << lost;
    }
    for (const std::int64_t volume : {0, 1}) {
      EXPECT_THROW((void)read_dicom_stack(std::vector{file}, volume), Error) << lost;
    }
  }
}

TEST_F(EnhancedFiles, AreSortedByPositionWhateverTheOrderOfTheFramesAndScaledOneByOne) {
  const std::vector<DicomStack> stacks = grouped(write({{.slice = 2, .value = 30, .slope = 0.5},
                                                        {.slice = 0, .value = 10},
                                                        {.slice = 3, .value = 40},
                                                        {.slice = 1, .value = 20, .slope = 2}}));

  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].verdict, Verdict::kUse) << stacks[0].reason;
  EXPECT_EQ(stacks[0].geometry->size, (Size3{kMadeColumns, kMadeRows, 4}));
  EXPECT_NEAR(stacks[0].geometry->spacing[2], 2.5, 1e-9);
  EXPECT_NEAR(stacks[0].geometry->spacing[0], 2, 1e-9);
  EXPECT_THAT(slices_of(stacks[0]), ::testing::ElementsAre(10, 40, 15, 40));
}

std::vector<MadeFrame> volumes_by(const std::function<void(MadeFrame&, int)>& tell) {
  std::vector<MadeFrame> frames;
  for (int slice = 0; slice < 3; ++slice) {
    for (int volume = 0; volume < 11; ++volume) {
      MadeFrame frame;
      frame.slice = slice;
      frame.value = 100 * volume + slice;
      tell(frame, volume);
      frames.push_back(frame);
    }
  }
  return frames;
}

void expect_eleven_volumes(const std::vector<DicomStack>& stacks, const std::string& name) {
  ASSERT_EQ(stacks.size(), 11U);
  for (std::size_t n = 0; n < stacks.size(); ++n) {
    EXPECT_EQ(stacks[n].verdict, Verdict::kSplit) << stacks[n].reason;
    EXPECT_EQ(stacks[n].volume, static_cast<std::int64_t>(n));
    EXPECT_THAT(stacks[n].told_apart_by, HasSubstr(name));
    const auto first = static_cast<float>(100 * n);
    EXPECT_THAT(slices_of(stacks[n]), ::testing::ElementsAre(first, first + 1, first + 2));
  }
}

TEST_F(EnhancedFiles, AreSplitByTemporalPosition) {
  expect_eleven_volumes(grouped(write(volumes_by([](MadeFrame& frame, int volume) {
                          frame.temporal = std::to_string(volume + 1);
                        }))),
                        "temporal position");
}

TEST_F(EnhancedFiles, AreSplitByBValue) {
  expect_eleven_volumes(grouped(write(volumes_by([](MadeFrame& frame, int volume) {
                          frame.b_value = std::to_string(50 * volume);
                        }))),
                        "b-value");
}

TEST_F(EnhancedFiles, AreSplitByGradientAtOneBValue) {
  expect_eleven_volumes(grouped(write(volumes_by([](MadeFrame& frame, int volume) {
                          frame.b_value = "1000";
                          frame.gradient = ds(0.05 * volume);
                        }))),
                        "gradient");
}

TEST_F(EnhancedFiles, AreSplitByADimensionThatNothingElseTells) {
  expect_eleven_volumes(grouped(write(volumes_by([](MadeFrame& frame, int volume) {
                          frame.dimension = std::to_string(volume + 1);
                        }))),
                        "dimension index");
}

TEST_F(EnhancedFiles, GiveEveryStackOfSlicesItsOwnVolume) {
  std::vector<MadeFrame> frames;
  for (int slice = 0; slice < 3; ++slice) {
    frames.push_back({.slice = slice, .value = slice, .stack = "1"});
    frames.push_back({.slice = slice, .value = 50 + slice, .stack = "2", .coronal = true});
  }

  const std::vector<DicomStack> stacks = grouped(write(frames));

  ASSERT_EQ(stacks.size(), 2U);
  EXPECT_THAT(slices_of(stacks[0]), ::testing::ElementsAre(0, 1, 2));
  EXPECT_THAT(slices_of(stacks[1]), ::testing::ElementsAre(50, 51, 52));
  EXPECT_NEAR(std::abs(stacks[1].geometry->direction(1, 2)), 1, 1e-9);
}

TEST_F(EnhancedFiles, WithAFrameMissingInOneVolumeLoseThatVolumeOnly) {
  std::vector<MadeFrame> frames;
  for (int volume = 0; volume < 3; ++volume) {
    for (int slice = 0; slice < 5; ++slice) {
      if (volume != 1 || slice != 2) {
        frames.push_back({.slice = slice,
                          .value = 100 * volume + slice,
                          .temporal = std::to_string(volume + 1)});
      }
    }
  }

  const std::vector<DicomStack> stacks = grouped(write(frames));

  ASSERT_EQ(stacks.size(), 3U);
  EXPECT_EQ(stacks[0].verdict, Verdict::kSplit);
  EXPECT_EQ(stacks[1].reason_code, "missing-slices");
  EXPECT_EQ(stacks[2].verdict, Verdict::kSplit);
  EXPECT_EQ(slices_of(stacks[2])[4], 204);
}

TEST_F(EnhancedFiles, ThatContradictThemselvesAreRefused) {
  const std::vector<MadeFrame> frames{{.slice = 0}, {.slice = 1}, {.slice = 2}};
  const auto count =
      write(frames, [](DcmDataset& data) { put_text(data, DCM_NumberOfFrames, "2"); });
  const auto none = write(frames, [](DcmDataset& data) {
    EXPECT_TRUE(data.findAndDeleteElement(DCM_PerFrameFunctionalGroupsSequence).good());
  });
  for (const auto& [file, said] : {std::pair(count, "describes 3"), std::pair(none, "does not")}) {
    const std::vector<DicomStack> stacks = grouped(file);
    ASSERT_EQ(stacks.size(), 1U);
    EXPECT_EQ(stacks[0].reason_code, "multi-frame");
    EXPECT_THAT(stacks[0].reason, HasSubstr(said));
    EXPECT_THROW(static_cast<void>(read_dicom_stack(std::vector{file})), Error);
  }
  const auto cut = write(frames, [](DcmDataset& data) {
    testing::put_pixels(data, std::vector<Uint16>(2 * kMadeRows * kMadeColumns));
  });
  EXPECT_THROW(static_cast<void>(read_dicom_header(cut)), Error);
  const auto more = write(frames, [](DcmDataset& data) {
    testing::put_pixels(data, std::vector<Uint16>(4 * kMadeRows * kMadeColumns));
  });
  EXPECT_EQ(grouped(more)[0].reason_code, "pixel-size-mismatch");
}

TEST_F(EnhancedFiles, OfSeveralVolumesAreNotReadWithoutSayingWhich) {
  const auto file = write(volumes_by(
      [](MadeFrame& frame, int volume) { frame.temporal = std::to_string(volume + 1); }));

  try {
    static_cast<void>(read_dicom_stack(std::vector{file}));
    FAIL() << "it was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("expected one volume, found 11"));
  }
  EXPECT_THROW(static_cast<void>(read_dicom_stack(std::vector{file}, 11)), Error);
}

}  // namespace

}  // namespace marrow
