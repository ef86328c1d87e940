#include "io/dicom/sop_classes.h"

#include <algorithm>
#include <array>
#include <map>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>

#include "core/text.h"

namespace marrow {

namespace {

// All of the below follow this root of PS3.4 B.5.
constexpr std::string_view kStorageRoot = "1.2.840.10008.5.1.4.1.1.";

struct SopPrefix {
  std::string_view suffix;  // after the root; a trailing dot stands for the whole family
  DicomKind kind;
};

constexpr std::array kSopKinds{
    SopPrefix{"2", DicomKind::kClassicVolume},    SopPrefix{"4", DicomKind::kClassicVolume},
    SopPrefix{"128", DicomKind::kClassicVolume},  SopPrefix{"2.1", DicomKind::kMultiFrame},
    SopPrefix{"2.2", DicomKind::kMultiFrame},     SopPrefix{"4.1", DicomKind::kMultiFrame},
    SopPrefix{"4.3", DicomKind::kMultiFrame},     SopPrefix{"4.4", DicomKind::kMultiFrame},
    SopPrefix{"128.1", DicomKind::kMultiFrame},   SopPrefix{"130", DicomKind::kMultiFrame},
    SopPrefix{"4.2", DicomKind::kNotAnImage},  // MR spectroscopy
    SopPrefix{"7", DicomKind::kSecondaryCapture}, SopPrefix{"7.", DicomKind::kSecondaryCapture},
    SopPrefix{"66.4", DicomKind::kSegmentation},  SopPrefix{"66.7", DicomKind::kSegmentation},
    SopPrefix{"66.5", DicomKind::kNotAnImage},    SopPrefix{"66", DicomKind::kNotAnImage},
    SopPrefix{"66.1", DicomKind::kNotAnImage},    SopPrefix{"66.2", DicomKind::kNotAnImage},
    SopPrefix{"66.3", DicomKind::kNotAnImage},    SopPrefix{"66.6", DicomKind::kNotAnImage},
    SopPrefix{"481.2", DicomKind::kDose},         SopPrefix{"481.1", DicomKind::kOtherImage},
    SopPrefix{"481.", DicomKind::kNotAnImage},    SopPrefix{"88.", DicomKind::kNotAnImage},
    SopPrefix{"9.", DicomKind::kNotAnImage},      SopPrefix{"11.", DicomKind::kNotAnImage},
    SopPrefix{"104.", DicomKind::kNotAnImage},    SopPrefix{"67", DicomKind::kNotAnImage},
    SopPrefix{"1", DicomKind::kOtherImage},       SopPrefix{"1.", DicomKind::kOtherImage},
    SopPrefix{"3.1", DicomKind::kOtherImage},     SopPrefix{"6.1", DicomKind::kOtherImage},
    SopPrefix{"6.2", DicomKind::kOtherImage},     SopPrefix{"12.", DicomKind::kOtherImage},
    SopPrefix{"13.", DicomKind::kOtherImage},     SopPrefix{"14.", DicomKind::kOtherImage},
    SopPrefix{"20", DicomKind::kOtherImage},      SopPrefix{"30", DicomKind::kOtherImage},
    SopPrefix{"77.", DicomKind::kOtherImage}};

struct SyntaxEntry {
  std::string_view uid;
  std::string_view name;
  bool readable;
  bool lossy;
};

constexpr std::array kSyntaxes{
    SyntaxEntry{kImplicitSyntax, "implicit VR little endian", true, false},
    SyntaxEntry{kExplicitSyntax, "explicit VR little endian", true, false},
    SyntaxEntry{kBigEndianSyntax, "explicit VR big endian", true, false},
    SyntaxEntry{kDeflatedSyntax, "deflated explicit VR little endian", true, false},
    SyntaxEntry{kRleSyntax, "RLE lossless", true, false},
    SyntaxEntry{"1.2.840.10008.1.2.4.50", "JPEG baseline", true, true},
    SyntaxEntry{"1.2.840.10008.1.2.4.51", "JPEG extended", true, true},
    SyntaxEntry{"1.2.840.10008.1.2.4.57", "JPEG lossless", true, false},
    SyntaxEntry{"1.2.840.10008.1.2.4.70", "JPEG lossless, first-order prediction", true, false},
    SyntaxEntry{"1.2.840.10008.1.2.4.80", "JPEG-LS lossless", true, false},
    SyntaxEntry{"1.2.840.10008.1.2.4.81", "JPEG-LS near-lossless", true, true},
    SyntaxEntry{"1.2.840.10008.1.2.4.90", "JPEG 2000, lossless only", true, false},
    SyntaxEntry{"1.2.840.10008.1.2.4.91", "JPEG 2000", true, true},
    SyntaxEntry{
        "1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000, lossless only", false, false},
    SyntaxEntry{"1.2.840.10008.1.2.4.202",
                "High-Throughput JPEG 2000 with RPCL, lossless only",
                false,
                false},
    SyntaxEntry{"1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", false, true},
    SyntaxEntry{"1.2.840.10008.1.2.4.100", "MPEG-2", false, true},
    SyntaxEntry{"1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264", false, true}};

const SyntaxEntry* find_syntax(std::string_view uid) {
  const auto* const found =
      std::find_if(kSyntaxes.begin(), kSyntaxes.end(), [&](const SyntaxEntry& entry) {
        return entry.uid == uid;
      });
  return found == kSyntaxes.end() ? nullptr : found;
}

}  // namespace

DicomKind dicom_kind(std::string_view uid) {
  if (uid == "1.2.840.10008.1.3.10") {
    return DicomKind::kNotAnImage;
  }
  if (!uid.starts_with(kStorageRoot)) {
    return DicomKind::kUnknown;
  }
  const std::string_view suffix = uid.substr(kStorageRoot.size());
  const auto exact = std::find_if(kSopKinds.begin(), kSopKinds.end(), [&](const SopPrefix& entry) {
    return entry.suffix == suffix;
  });
  if (exact != kSopKinds.end()) {
    return exact->kind;
  }
  const auto family = std::find_if(kSopKinds.begin(), kSopKinds.end(), [&](const SopPrefix& entry) {
    return entry.suffix.ends_with('.') && suffix.starts_with(entry.suffix);
  });
  return family == kSopKinds.end() ? DicomKind::kUnknown : family->kind;
}

std::string sop_class_name(const std::string& uid) {
  if (uid == "1.2.840.10008.1.3.10") {
    return "DICOMDIR";
  }
  const char* const known = dcmFindNameOfUID(uid.c_str());
  return known == nullptr ? printable(uid, 64) : std::string(known);
}

std::string transfer_syntax_name(const std::string& uid) {
  const SyntaxEntry* const entry = find_syntax(uid);
  const std::string shown = uid.empty() ? "no UID given" : printable(uid, 64);
  return std::string(entry == nullptr ? "unknown transfer syntax" : entry->name) + ", " + shown;
}

bool readable_transfer_syntax(std::string_view uid) {
  const SyntaxEntry* const entry = find_syntax(uid);
  return entry != nullptr && entry->readable;
}

bool jpeg2000_transfer_syntax(std::string_view uid) {
  return uid == "1.2.840.10008.1.2.4.90" || uid == "1.2.840.10008.1.2.4.91";
}

bool lossy_transfer_syntax(std::string_view uid) {
  const SyntaxEntry* const entry = find_syntax(uid);
  return entry != nullptr && entry->lossy;
}

}  // namespace marrow
