#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/text.h"
#include "io/dicom/dcmtk_session.h"
#include "io/dicom/header_tags.h"
#include "io/dicom/sop_classes.h"

namespace marrow {

// Fills a DicomHeader from the attributes of a data set, the same way whatever reads them.
// `Attributes` answers
//
//   std::string text(TagNumber)                 "" when absent or empty, padding removed
//   std::vector<std::string> texts(TagNumber)   the values one by one, each without its padding
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
  // Strict decimal numbers; nothing at all where something is there that is none.
  std::optional<std::vector<double>> decimals(TagNumber tag) {
    std::vector<double> numbers;
    for (const std::string& text : attributes_.texts(tag)) {
      const std::optional<double> value = parse_decimal(text);
      if (!value) {
        return std::nullopt;
      }
      numbers.push_back(*value);
    }
    return numbers;
  }

  // The numbers of an attribute, of which there must be none or `count`.
  std::vector<double> numbers(TagNumber tag, std::size_t count) {
    std::optional<std::vector<double>> values = decimals(tag);
    if (!values || (!values->empty() && values->size() != count)) {
      attributes_.bad_attribute(tag, header_);
      return {};
    }
    return *std::move(values);
  }

  std::int64_t integer(HeaderTag attribute, std::int64_t absent) {
    const std::vector<double> values = numbers(attribute.tag, 1);
    if (values.empty()) {
      return absent;
    }
    if (std::abs(values[0]) > 2147483647.0 || values[0] != std::floor(values[0])) {
      attributes_.bad_attribute(attribute.tag, header_);
      return absent;
    }
    return static_cast<std::int64_t>(values[0]);
  }

  template <std::size_t kCount>
  std::optional<std::array<double, kCount>> tuple(HeaderTag attribute) {
    const std::vector<double> values = numbers(attribute.tag, kCount);
    if (values.empty()) {
      return std::nullopt;
    }
    std::array<double, kCount> array{};
    std::copy(values.begin(), values.end(), array.begin());
    return array;
  }

  // NaN where something is there that is no number: nothing may take it for the identity.
  double rescale(HeaderTag attribute, double absent) {
    const std::optional<std::vector<double>> values = decimals(attribute.tag);
    if (!values || values->size() > 1) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    return values->empty() ? absent : values->front();
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
    if (attributes_.exists(kModalityLut.tag)) {
      header_.traits["modality_lut"] = "1";
    }
  }

  void fill_place() {
    header_.position = tuple<3>(kImagePosition);
    header_.orientation = tuple<6>(kImageOrientation);
    header_.pixel_spacing = tuple<2>(kPixelSpacing);
    if (const std::vector<double> tilt = numbers(kGantryTilt.tag, 1); !tilt.empty()) {
      header_.gantry_tilt_degrees = tilt[0];
    }
  }

  void fill_acquisition() {
    for (const FactTag& fact : kFactTags) {
      const std::string text = attributes_.text(fact.attribute.tag);
      if (!text.empty() && (!fact.number || parse_decimal(text))) {
        header_.facts[fact.name] = printable(text, kFactCharacters);
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
};

}  // namespace marrow
