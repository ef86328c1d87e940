#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/dicom/dicom_header.h"

// Which attributes a DicomHeader is made of: the one list for all that reads headers. A new fact of
// the acquisition is one line in kFactTags, a new text member one line in kTextTags, a new trait
// one line in kTraitTags.
namespace marrow {

// Group in the upper half, element in the lower.
using TagNumber = std::uint32_t;

// What structures a data set (PS3.5, 7.5) and where the pixels are.
inline constexpr TagNumber kItemTag = 0xFFFEE000;
inline constexpr TagNumber kItemEndTag = 0xFFFEE00D;
inline constexpr TagNumber kSequenceEndTag = 0xFFFEE0DD;
inline constexpr TagNumber kPixelGroup = 0x7FE00000;
inline constexpr TagNumber kPixelData = 0x7FE00010;
inline constexpr std::uint32_t kUndefinedLength = 0xFFFFFFFF;

// A value representation (PS3.5, 6.2) by its two letters; none by default.
class Vr {
 public:
  constexpr Vr() = default;

  // NOLINTNEXTLINE(google-explicit-constructor): a name is the representation.
  consteval Vr(const char (&name)[3]) : Vr(name[0], name[1]) {}

  constexpr Vr(char first, char second)
      : letters_(static_cast<std::uint16_t>(static_cast<unsigned char>(first) << 8 |
                                            static_cast<unsigned char>(second))) {}

  [[nodiscard]] constexpr char first() const { return static_cast<char>(letters_ >> 8); }

  [[nodiscard]] constexpr char second() const { return static_cast<char>(letters_ & 0xFF); }

  friend constexpr bool operator==(Vr, Vr) = default;

 private:
  std::uint16_t letters_ = 0;
};

// An attribute and the value representation that the standard gives it.
struct HeaderTag {
  TagNumber tag = 0;
  Vr vr;
};

inline constexpr HeaderTag kSopClassUid{0x00080016, "UI"};
inline constexpr HeaderTag kImageType{0x00080008, "CS"};
inline constexpr HeaderTag kContrastBolusAgent{0x00180010, "LO"};
inline constexpr HeaderTag kGantryTilt{0x00181120, "DS"};
inline constexpr HeaderTag kDiffusionBValue{0x00189087, "FD"};
inline constexpr HeaderTag kImagePosition{0x00200032, "DS"};
inline constexpr HeaderTag kImageOrientation{0x00200037, "DS"};
inline constexpr HeaderTag kSamplesPerPixel{0x00280002, "US"};
inline constexpr HeaderTag kNumberOfFrames{0x00280008, "IS"};
inline constexpr HeaderTag kRows{0x00280010, "US"};
inline constexpr HeaderTag kColumns{0x00280011, "US"};
inline constexpr HeaderTag kPixelSpacing{0x00280030, "DS"};
inline constexpr HeaderTag kBitsAllocated{0x00280100, "US"};
inline constexpr HeaderTag kBitsStored{0x00280101, "US"};
inline constexpr HeaderTag kHighBit{0x00280102, "US"};
inline constexpr HeaderTag kPixelRepresentation{0x00280103, "US"};
inline constexpr HeaderTag kRescaleIntercept{0x00281052, "DS"};
inline constexpr HeaderTag kRescaleSlope{0x00281053, "DS"};
inline constexpr HeaderTag kLossyImageCompression{0x00282110, "CS"};
inline constexpr HeaderTag kModalityLut{0x00283000, "SQ"};
inline constexpr HeaderTag kRealWorldValueMap{0x00409096, "SQ"};

inline constexpr std::array kSingleTags{kSopClassUid,
                                        kImageType,
                                        kContrastBolusAgent,
                                        kGantryTilt,
                                        kDiffusionBValue,
                                        kImagePosition,
                                        kImageOrientation,
                                        kSamplesPerPixel,
                                        kNumberOfFrames,
                                        kRows,
                                        kColumns,
                                        kPixelSpacing,
                                        kBitsAllocated,
                                        kBitsStored,
                                        kHighBit,
                                        kPixelRepresentation,
                                        kRescaleIntercept,
                                        kRescaleSlope,
                                        kLossyImageCompression,
                                        kModalityLut,
                                        kRealWorldValueMap};

// Texts that are kept as they are.
struct TextTag {
  HeaderTag attribute;
  std::string DicomHeader::*member = nullptr;
};

inline constexpr std::array kTextTags{
    TextTag{{0x00080018, "UI"}, &DicomHeader::instance_uid},
    TextTag{{0x00080060, "CS"}, &DicomHeader::modality},
    TextTag{{0x00100010, "PN"}, &DicomHeader::patient_name},
    TextTag{{0x00100020, "LO"}, &DicomHeader::patient_id},
    TextTag{{0x00180086, "IS"}, &DicomHeader::echo},
    TextTag{{0x0020000D, "UI"}, &DicomHeader::study_uid},
    TextTag{{0x0020000E, "UI"}, &DicomHeader::series_uid},
    TextTag{{0x00200012, "IS"}, &DicomHeader::acquisition_number},
    TextTag{{0x00200013, "IS"}, &DicomHeader::instance_number},
    TextTag{{0x00200052, "UI"}, &DicomHeader::frame_of_reference_uid},
    TextTag{{0x00200100, "IS"}, &DicomHeader::temporal_position},
    TextTag{{0x00204000, "LT"}, &DicomHeader::image_comments},
    TextTag{{0x00280004, "CS"}, &DicomHeader::photometric}};

// Facts of the acquisition, none of the patient: free text (descriptions, comments, protocol names)
// is left out. In the order of the names.
struct FactTag {
  HeaderTag attribute;
  const char* name = nullptr;
  bool number = false;  // kept only when it is one
};

inline constexpr std::array kFactTags{FactTag{{0x00180023, "CS"}, "acquisition_type", false},
                                      FactTag{{0x00180015, "CS"}, "body_part", false},
                                      FactTag{{0x00180087, "DS"}, "field_strength_t", true},
                                      FactTag{{0x00181314, "DS"}, "flip_degrees", true},
                                      FactTag{{0x00181210, "SH"}, "kernel", false},
                                      FactTag{{0x00180060, "DS"}, "kvp", true},
                                      FactTag{{0x00080070, "LO"}, "manufacturer", false},
                                      FactTag{{0x00081090, "LO"}, "model", false},
                                      FactTag{{0x00185100, "CS"}, "patient_position", false},
                                      FactTag{{0x00281054, "LO"}, "rescale_type", false},
                                      FactTag{{0x00180020, "CS"}, "scanning_sequence", false},
                                      FactTag{{0x00180024, "SH"}, "sequence", false},
                                      FactTag{{0x00180021, "CS"}, "sequence_variant", false},
                                      FactTag{{0x00180088, "DS"}, "slice_step_mm", true},
                                      FactTag{{0x00180081, "DS"}, "te_ms", true},
                                      FactTag{{0x00180050, "DS"}, "thickness_mm", true},
                                      FactTag{{0x00180082, "DS"}, "ti_ms", true},
                                      FactTag{{0x00180080, "DS"}, "tr_ms", true},
                                      FactTag{{0x00541001, "CS"}, "units", false}};

// What decides whether and how a file can be used: DicomHeader::traits. In the order of the names.
inline constexpr std::array kTraitTags{FactTag{{0x00181060, "DS"}, "trigger_time_ms", true},
                                       FactTag{{0x00200011, "IS"}, "series_number", true},
                                       FactTag{{0x00280120, "US"}, "padding_value", true},
                                       FactTag{{0x00280121, "US"}, "padding_limit", true}};

// An element of a private block, whichever block of the group its creator reserved (PS3.5, 7.8).
struct PrivateElement {
  std::uint16_t group = 0;
  std::string_view creator;
  std::uint16_t element = 0;  // 0x00..0xFF
};

// Where vendors say that a picture is made of tiles.
inline constexpr PrivateElement kSiemensTiles{0x0019, "SIEMENS MR HEADER", 0x0A};
inline constexpr PrivateElement kSiemensCsa{0x0029, "SIEMENS CSA HEADER", 0x10};
inline constexpr PrivateElement kUnitedTiles{0x0065, "Image Private Header", 0x50};
inline constexpr std::array kMosaicPlaces{kSiemensTiles, kSiemensCsa, kUnitedTiles};

// The b-value where a vendor keeps it in an element of its own.
struct PrivateTag {
  TagNumber creator_tag = 0;
  std::string_view creator;
  TagNumber tag = 0;
};

inline constexpr std::array kBValueTags{
    PrivateTag{0x00190010, "SIEMENS MR HEADER", 0x0019100C},
    PrivateTag{0x00430010, "GEMS_PARM_01", 0x00431039},
    PrivateTag{0x20010010, "Philips Imaging DD 001", 0x20011003},
    PrivateTag{0x00650010, "Image Private Header", 0x00651009}};

}  // namespace marrow
