#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/text.h"
#include "io/dicom/header_tags.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

// The numbers of an attribute: strict decimals, none when it is absent or empty.
struct DicomDecimals {
  static constexpr std::size_t kMost = 6;  // that are kept

  bool valid = true;  // false where something is there that is no number
  std::size_t count = 0;
  std::array<double, kMost> first{};
};

// Fills a DicomHeader from the attributes of a data set, the same way whatever reads them.
// `Attributes` answers
//
//   std::string text(TagNumber)                 "" when absent or empty, padding removed
//   std::vector<std::string> texts(TagNumber)   the values one by one, each without its padding
//   DicomDecimals decimals(TagNumber)
//   bool exists(TagNumber)
//   void bad_attribute(TagNumber, DicomHeader&) one that is there but cannot be understood
template <class Attributes>
class HeaderMapping {
 public:
  HeaderMapping(Attributes& attributes, DicomHeader& header)
      : attributes_(attributes), header_(header) {}

  // All but what the transfer syntax, the SOP class and the place of the pixels say, which must be
  // in the header already.
  void fill() {
    for (const TextTag& text : kTextTags) {
      header_.*text.member = attributes_.text(text.attribute.tag);
    }
    header_.image_type = attributes_.texts(kImageType.tag);
    header_.b_value = b_value();
    fill_pixel_description();
    fill_place();
    fill_acquisition();
  }

 private:
  // The numbers of an attribute, of which there must be none or `count`.
  DicomDecimals numbers(TagNumber tag, std::size_t count) {
    const DicomDecimals values = attributes_.decimals(tag);
    if (!values.valid || (values.count != 0 && values.count != count)) {
      attributes_.bad_attribute(tag, header_);
      return {};
    }
    return values;
  }

  std::int64_t integer(HeaderTag attribute, std::int64_t absent) {
    const DicomDecimals values = numbers(attribute.tag, 1);
    if (values.count == 0) {
      return absent;
    }
    const double value = values.first[0];
    if (std::abs(value) > 2147483647.0 || value != std::floor(value)) {
      attributes_.bad_attribute(attribute.tag, header_);
      return absent;
    }
    return static_cast<std::int64_t>(value);
  }

  template <std::size_t kCount>
  std::optional<std::array<double, kCount>> tuple(HeaderTag attribute) {
    static_assert(kCount <= DicomDecimals::kMost);
    const DicomDecimals values = numbers(attribute.tag, kCount);
    if (values.count == 0) {
      return std::nullopt;
    }
    std::array<double, kCount> array{};
    std::copy_n(values.first.begin(), kCount, array.begin());
    return array;
  }

  // NaN where something is there that is no number: nothing may take it for the identity.
  double rescale(HeaderTag attribute, double absent) {
    const DicomDecimals values = attributes_.decimals(attribute.tag);
    if (!values.valid || values.count > 1) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    rescale_stated_ = rescale_stated_ || values.count > 0;
    return values.count == 0 ? absent : values.first[0];
  }

  std::string b_value() {
    if (std::string b = attributes_.text(kDiffusionBValue.tag); !b.empty()) {
      return b;
    }
    for (const PrivateTag& source : kBValueTags) {
      if (attributes_.text(source.creator_tag) == source.creator) {
        if (const std::vector<std::string> values = attributes_.texts(source.tag);
            !values.empty()) {
          return printable(values.front(), kFactCharacters);
        }
      }
    }
    return {};
  }

  void fill_pixel_description() {
    header_.rows = integer(kRows, 0);
    header_.columns = integer(kColumns, 0);
    header_.frames = integer(kNumberOfFrames, 1);
    header_.samples_per_pixel = integer(kSamplesPerPixel, 1);
    header_.bits_allocated = static_cast<int>(integer(kBitsAllocated, 0));
    header_.bits_stored = static_cast<int>(integer(kBitsStored, header_.bits_allocated));
    header_.high_bit = static_cast<int>(integer(kHighBit, header_.bits_stored - 1));
    header_.pixel_representation = static_cast<int>(integer(kPixelRepresentation, 0));
    header_.slope = rescale(kRescaleSlope, 1);
    header_.intercept = rescale(kRescaleIntercept, 0);
    if (!rescale_stated_) {
      header_.traits["no_rescale"] = "1";
    }
    if (attributes_.exists(kModalityLut.tag)) {
      header_.traits["modality_lut"] = "1";
    }
  }

  void fill_place() {
    header_.position = tuple<3>(kImagePosition);
    header_.orientation = tuple<6>(kImageOrientation);
    header_.pixel_spacing = tuple<2>(kPixelSpacing);
    if (const DicomDecimals tilt = numbers(kGantryTilt.tag, 1); tilt.count != 0) {
      header_.gantry_tilt_degrees = tilt.first[0];
    }
  }

  void fill_acquisition() {
    for (const FactTag& fact : kFactTags) {
      const std::string text = attributes_.text(fact.attribute.tag);
      if (!text.empty() && (!fact.number || parse_decimal(text))) {
        header_.facts.emplace_hint(
            header_.facts.end(), fact.name, printable(text, kFactCharacters));
      }
    }
    if (!attributes_.text(kContrastBolusAgent.tag).empty()) {
      header_.facts["contrast"] = "yes";
    }
    if (attributes_.text(kLossyImageCompression.tag) == "01" ||
        lossy_transfer_syntax(header_.transfer_syntax_uid)) {
      header_.facts["lossy"] = "yes";
    }
    if (attributes_.exists(kRealWorldValueMap.tag)) {
      header_.facts["real_world_value_map"] = "yes";
    }
    for (const FactTag& trait : kTraitTags) {
      const std::string text = attributes_.text(trait.attribute.tag);
      if (!text.empty() && (!trait.number || parse_decimal(text))) {
        header_.traits[trait.name] = text;
      }
    }
  }

  static constexpr std::size_t kFactCharacters = 64;

  Attributes& attributes_;
  DicomHeader& header_;
  bool rescale_stated_ = false;
};

}  // namespace marrow
