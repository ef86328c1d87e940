#pragma once

#include <string>
#include <string_view>

namespace marrow {

enum class DicomKind {
  kClassicVolume,  // CT, MR and PET Image Storage: one slice a file
  kMultiFrame,     // enhanced and legacy-converted CT, MR, PET
  kSecondaryCapture,
  kSegmentation,
  kDose,
  kOtherImage,  // projections, ultrasound, microscopy, ...: pictures, but not slices of a volume
  kNotAnImage,  // reports, plans, waveforms, directories, presentation states
  kUnknown,     // a class that we have no name for
};

[[nodiscard]] DicomKind dicom_kind(std::string_view uid);
// "MR Image Storage", the UID itself where we have no name for it, "" for no UID.
[[nodiscard]] std::string sop_class_name(const std::string& uid);

// "JPEG 2000 (lossless only), 1.2.840.10008.1.2.4.90".
[[nodiscard]] std::string transfer_syntax_name(const std::string& uid);

// Whether the pixels of files in this syntax can be read.
[[nodiscard]] bool readable_transfer_syntax(std::string_view uid);
[[nodiscard]] bool lossy_transfer_syntax(std::string_view uid);
[[nodiscard]] bool jpeg2000_transfer_syntax(std::string_view uid);

inline constexpr std::string_view kImplicitSyntax = "1.2.840.10008.1.2";
inline constexpr std::string_view kExplicitSyntax = "1.2.840.10008.1.2.1";
inline constexpr std::string_view kBigEndianSyntax = "1.2.840.10008.1.2.2";
inline constexpr std::string_view kDeflatedSyntax = "1.2.840.10008.1.2.1.99";
inline constexpr std::string_view kRleSyntax = "1.2.840.10008.1.2.5";

}  // namespace marrow
