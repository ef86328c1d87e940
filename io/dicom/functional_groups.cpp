#include "io/dicom/functional_groups.h"

#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/dicom_sequences.h"

namespace marrow {

namespace {

constexpr std::size_t kLabelCharacters = 64;

// A value of a functional group: the macro's sequence, then the attribute in its only item.
struct GroupValue {
  const char* name;
  DcmTagKey macro;
  DcmTagKey tag;
};

const std::array kFrameLabels{
    GroupValue{"stack", DCM_FrameContentSequence, DCM_StackID},
    GroupValue{"acquisition", DCM_FrameContentSequence, DCM_FrameAcquisitionNumber},
    GroupValue{"temporal position", DCM_FrameContentSequence, DCM_TemporalPositionIndex},
    GroupValue{"image type", DCM_MRImageFrameTypeSequence, DCM_FrameType},
    GroupValue{"image type", DCM_CTImageFrameTypeSequence, DCM_FrameType},
    GroupValue{"image type", DCM_PETFrameTypeSequence, DCM_FrameType},
    GroupValue{"component", DCM_MRImageFrameTypeSequence, DCM_ComplexImageComponent},
    GroupValue{"echo time", DCM_MREchoSequence, DCM_EffectiveEchoTime},
    GroupValue{"b-value", DCM_MRDiffusionSequence, DCM_DiffusionBValue},
    GroupValue{
        "trigger delay", DCM_CardiacSynchronizationSequence, DCM_NominalCardiacTriggerDelayTime},
    GroupValue{"spin label", DCM_MRArterialSpinLabelingSequence, DCM_ASLContext}};

// Where enhanced objects keep what classic ones have at the top.
const std::array kGroupFacts{
    GroupValue{"thickness_mm", DCM_PixelMeasuresSequence, DCM_SliceThickness},
    GroupValue{"slice_step_mm", DCM_PixelMeasuresSequence, DCM_SpacingBetweenSlices},
    GroupValue{"kernel", DCM_CTReconstructionSequence, DCM_ConvolutionKernel},
    GroupValue{"kvp", DCM_CTXRayDetailsSequence, DCM_KVP},
    GroupValue{"te_ms", DCM_MREchoSequence, DCM_EffectiveEchoTime},
    GroupValue{"tr_ms", DCM_MRTimingAndRelatedParametersSequence, DCM_RepetitionTime},
    GroupValue{"flip_degrees", DCM_MRTimingAndRelatedParametersSequence, DCM_FlipAngle},
    GroupValue{"rescale_type", DCM_PixelValueTransformationSequence, DCM_RescaleType}};

class GroupsReader {
 public:
  GroupsReader(DcmItem& data, DicomHeader& header)
      : data_(data),
        header_(header),
        shared_(first_dicom_item(data, DCM_SharedFunctionalGroupsSequence)) {}

  void read() {
    DcmSequenceOfItems* frames = nullptr;
    if (data_.findAndGetSequence(DCM_PerFrameFunctionalGroupsSequence, frames).bad() ||
        frames == nullptr) {
      problem("it does not describe its frames (no per-frame functional groups)");
      return;
    }
    const std::vector<DcmItem*> items = dicom_items(*frames);
    if (items.empty() || static_cast<std::int64_t>(items.size()) != header_.frames) {
      problem(fmt::format("it has {} frames but describes {}", header_.frames, items.size()));
      return;
    }
    find_dimensions();
    header_.traits["concatenation"] = dicom_text(data_, DCM_ConcatenationUID);
    if (header_.traits["concatenation"].empty()) {
      header_.traits.erase("concatenation");
    }
    std::vector<DicomFrame> table(items.size());
    for (std::size_t n = 0; n < items.size(); ++n) {
      frame_ = items[n];
      read_frame(table[n]);
      if (n == 0) {
        read_facts();
      }
    }
    if (rescaled_ != 0 && rescaled_ != items.size()) {
      problem(fmt::format("only {} of {} frames have a rescale", rescaled_, items.size()));
    }
    if (!header_.traits.contains("frames_problem")) {
      header_.frame_table = std::move(table);
    }
  }

 private:
  void problem(const std::string& what) {
    header_.traits["frames_problem"] = "an enhanced multi-frame object, but " + what;
  }

  // The frame's own item before the shared one.
  [[nodiscard]] DcmItem* item_with(const DcmTagKey& macro, const DcmTagKey& tag) const {
    for (DcmItem* const groups : {frame_, shared_}) {
      DcmItem* const item = groups == nullptr ? nullptr : first_dicom_item(*groups, macro);
      if (item != nullptr && item->tagExists(tag)) {
        return item;
      }
    }
    return nullptr;
  }

  [[nodiscard]] std::string text(const DcmTagKey& macro, const DcmTagKey& tag) const {
    DcmItem* const item = item_with(macro, tag);
    return item == nullptr ? std::string() : dicom_text(*item, tag);
  }

  // Nothing when absent; said when it is there and cannot be understood.
  template <std::size_t kCount>
  std::optional<std::array<double, kCount>> tuple(const DcmTagKey& macro, const DcmTagKey& tag) {
    DcmItem* const item = item_with(macro, tag);
    if (item == nullptr) {
      return std::nullopt;
    }
    const std::optional<std::vector<double>> values = dicom_numbers(*item, tag);
    if (values && values->empty()) {
      return std::nullopt;
    }
    if (!values || values->size() != kCount) {
      header_.traits["bad_attribute"] = DcmTag(tag).getTagName();
      return std::nullopt;
    }
    std::array<double, kCount> array{};
    std::copy(values->begin(), values->end(), array.begin());
    return array;
  }

  double rescale(const DcmTagKey& tag, double absent) {
    DcmItem* const item = item_with(DCM_PixelValueTransformationSequence, tag);
    if (item == nullptr) {
      return absent;
    }
    const std::optional<std::vector<double>> values = dicom_numbers(*item, tag);
    return values && values->size() == 1 ? values->front()
                                         : std::numeric_limits<double>::quiet_NaN();
  }

  void read_frame(DicomFrame& frame) {
    frame.position = tuple<3>(DCM_PlanePositionSequence, DCM_ImagePositionPatient);
    frame.orientation = tuple<6>(DCM_PlaneOrientationSequence, DCM_ImageOrientationPatient);
    frame.pixel_spacing = tuple<2>(DCM_PixelMeasuresSequence, DCM_PixelSpacing);
    // Some converters leave the rescale at the top, as classic objects have it.
    frame.slope = rescale(DCM_RescaleSlope, header_.slope);
    frame.intercept = rescale(DCM_RescaleIntercept, header_.intercept);
    rescaled_ += item_with(DCM_PixelValueTransformationSequence, DCM_RescaleSlope) != nullptr;
    for (const GroupValue& label : kFrameLabels) {
      if (const std::string value = text(label.macro, label.tag); !value.empty()) {
        frame.labels[label.name] = printable(value, kLabelCharacters);
      }
    }
    read_gradient(frame);
    read_dimensions(frame);
  }

  void read_gradient(DicomFrame& frame) const {
    DcmItem* const diffusion =
        item_with(DCM_MRDiffusionSequence, DCM_DiffusionGradientDirectionSequence);
    if (diffusion == nullptr) {
      return;
    }
    DcmItem* const direction = first_dicom_item(*diffusion, DCM_DiffusionGradientDirectionSequence);
    if (direction != nullptr) {
      const std::string value = dicom_text(*direction, DCM_DiffusionGradientOrientation);
      if (!value.empty()) {
        frame.labels["gradient"] = printable(value, kLabelCharacters);
      }
    }
  }

  // Which of the dimension indices count through space.
  void find_dimensions() {
    const std::set<DcmTagKey> spatial{DCM_StackID,
                                      DCM_InStackPositionNumber,
                                      DCM_ImagePositionPatient,
                                      DCM_ImageOrientationPatient,
                                      DCM_SliceLocation};
    for (DcmItem* const item : dicom_items(data_, DCM_DimensionIndexSequence)) {
      DcmTagKey pointer;
      DcmElement* element = nullptr;
      const bool found = item->findAndGetElement(DCM_DimensionIndexPointer, element).good() &&
                         element != nullptr && element->getTagVal(pointer).good();
      spatial_dimension_.push_back(found && spatial.contains(pointer));
    }
  }

  void read_dimensions(DicomFrame& frame) const {
    DcmItem* const content = item_with(DCM_FrameContentSequence, DCM_DimensionIndexValues);
    if (content == nullptr) {
      return;
    }
    const std::vector<std::string> values = dicom_texts(*content, DCM_DimensionIndexValues);
    if (values.size() != spatial_dimension_.size()) {
      return;
    }
    std::vector<std::string> others;
    for (std::size_t n = 0; n < values.size(); ++n) {
      if (!spatial_dimension_[n]) {
        others.push_back(values[n]);
      }
    }
    if (!others.empty()) {
      frame.labels["dimensions"] = printable(join(others, "/"), kLabelCharacters);
    }
  }

  void read_facts() {
    for (const GroupValue& fact : kGroupFacts) {
      if (const std::string value = text(fact.macro, fact.tag);
          !value.empty() && !header_.facts.contains(fact.name)) {
        header_.facts[fact.name] = printable(value, kLabelCharacters);
      }
    }
    if (const auto tilt = tuple<1>(DCM_CTAcquisitionDetailsSequence, DCM_GantryDetectorTilt)) {
      header_.gantry_tilt_degrees = (*tilt)[0];
    }
  }

  DcmItem& data_;
  DicomHeader& header_;
  DcmItem* shared_;
  DcmItem* frame_ = nullptr;
  std::vector<bool> spatial_dimension_;
  std::size_t rescaled_ = 0;  // frames with a slope of their own
};

}  // namespace

void read_functional_groups(DcmItem& data, DicomHeader& header) {
  GroupsReader(data, header).read();
}

}  // namespace marrow
