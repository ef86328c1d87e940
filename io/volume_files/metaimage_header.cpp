#include <array>
#include <bit>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/nifti/nifti_fields.h"
#include "io/volume_files/header_text.h"
#include "io/volume_files/volume_header.h"

namespace marrow {

namespace {

using MetaFields = std::map<std::string, std::string>;

struct MetaText {
  MetaFields fields;
  std::size_t data_offset = 0;  // behind the line ElementDataFile
};

MetaText read_meta_fields(std::span<const std::byte> bytes, const std::string& name) {
  HeaderLines lines(bytes, name);
  MetaText text;
  while (const auto line = lines.next()) {
    if (trim(*line).empty()) {
      continue;
    }
    const std::size_t sign = line->find('=');
    if (sign == std::string_view::npos) {
      refuse_volume_file(
          ErrorCode::kUnreadable,
          "bad-header",
          name,
          fmt::format("expected \"key = value\" in the header, found \"{}\"", printable(*line)));
    }
    const std::string key(trim(line->substr(0, sign)));
    if (!text.fields.emplace(key, trim(line->substr(sign + 1))).second && key != "Comment") {
      refuse_volume_file(
          ErrorCode::kUnreadable,
          "bad-header",
          name,
          fmt::format("the key \"{}\" is there twice in the header", printable(key)));
    }
    if (key == "ElementDataFile") {
      text.data_offset = lines.offset();
      return text;
    }
  }
  refuse_volume_file(ErrorCode::kUnreadable,
                     "cut-short",
                     name,
                     "expected the key ElementDataFile at the end of the header, but the file "
                     "ends; copy the file again from its source");
}

// The value of the first key that is there; nullptr when none is.
const std::string* meta_field(const MetaFields& fields,
                              std::initializer_list<const char*> spellings) {
  for (const char* const key : spellings) {
    const auto found = fields.find(key);
    if (found != fields.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

const std::string& needed_meta_field(const MetaFields& fields,
                                     const char* key,
                                     const std::string& name) {
  const std::string* const value = meta_field(fields, {key});
  if (value == nullptr) {
    refuse_volume_file(
        ErrorCode::kUnreadable,
        "bad-header",
        name,
        fmt::format("expected the key {} in the header, found none; repair the header", key));
  }
  return *value;
}

// True | False, as MetaIO reads them: by the first letter or digit.
bool meta_flag(const std::string* value, const char* key, const std::string& name) {
  if (value == nullptr) {
    return false;
  }
  const std::string word = lower_header_word(*value);
  if (word == "true" || word == "t" || word == "1" || word == "yes") {
    return true;
  }
  if (word != "false" && word != "f" && word != "0" && word != "no") {
    refuse_volume_file(
        ErrorCode::kUnreadable,
        "bad-header",
        name,
        fmt::format("expected {} to be True or False, found \"{}\"", key, printable(*value)));
  }
  return false;
}

int meta_datatype(const MetaFields& fields, const std::string& name) {
  static const std::map<std::string, int> kTypes{{"MET_CHAR", 256},
                                                 {"MET_UCHAR", 2},
                                                 {"MET_SHORT", 4},
                                                 {"MET_USHORT", 512},
                                                 {"MET_INT", 8},
                                                 {"MET_UINT", 768},
                                                 {"MET_LONG_LONG", 1024},
                                                 {"MET_ULONG_LONG", 1280},
                                                 {"MET_FLOAT", 16},
                                                 {"MET_DOUBLE", 64}};
  const std::string& written = needed_meta_field(fields, "ElementType", name);
  const std::string* const channels = meta_field(fields, {"ElementNumberOfChannels"});
  if (written.ends_with("_ARRAY") || (channels != nullptr && *channels != "1")) {
    refuse_volume_file(ErrorCode::kUnsupported,
                       "not-scalar",
                       name,
                       fmt::format("expected one value a voxel, found {} of type \"{}\"; write its "
                                   "channels as files of their own",
                                   channels == nullptr ? "an array" : printable(*channels),
                                   printable(written)));
  }
  const auto found = kTypes.find(written);
  if (found == kTypes.end()) {
    refuse_volume_file(
        ErrorCode::kUnsupported,
        "unsupported-type",
        name,
        fmt::format("expected integer or float voxels, found the type \"{}\"", printable(written)));
  }
  return found->second;
}

void check_meta_kind(const MetaFields& fields, const std::string& name) {
  const std::string* const kind = meta_field(fields, {"ObjectType"});
  if (kind != nullptr && *kind != "Image") {
    refuse_volume_file(
        ErrorCode::kUnsupported,
        "not-an-image",
        name,
        fmt::format("expected a MetaImage of the type Image, found \"{}\"", printable(*kind)));
  }
  const std::string& dimensions = needed_meta_field(fields, "NDims", name);
  if (dimensions != "3") {
    const bool flat = dimensions == "1" || dimensions == "2";
    refuse_volume_file(
        ErrorCode::kUnsupported,
        flat ? "single-slice" : "several-volumes",
        name,
        fmt::format("expected one volume of 3 dimensions, found {}", printable(dimensions)));
  }
}

std::optional<std::vector<double>> meta_numbers(const std::string& value,
                                                const char* key,
                                                std::size_t count,
                                                const std::string& name) {
  auto numbers = header_numbers(value);
  if (!numbers || numbers->size() != count) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "bad-transform",
                       name,
                       fmt::format("expected {} finite numbers as {}, found \"{}\"; repair the "
                                   "header or leave the file out",
                                   count,
                                   key,
                                   printable(value)));
  }
  return numbers;
}

Geometry place_metaimage(const MetaFields& fields,
                         const Size3& size,
                         const std::string& name,
                         std::vector<std::string>& warnings) {
  const auto spacing =
      *meta_numbers(needed_meta_field(fields, "ElementSpacing", name), "ElementSpacing", 3, name);
  if (spacing[0] <= 0 || spacing[1] <= 0 || spacing[2] <= 0) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "bad-transform",
                       name,
                       fmt::format("expected a positive ElementSpacing, found {} x {} x {}",
                                   spacing[0],
                                   spacing[1],
                                   spacing[2]));
  }
  Eigen::Matrix3d direction = Eigen::Matrix3d::Identity();
  if (const std::string* const matrix =
          meta_field(fields, {"TransformMatrix", "Rotation", "Orientation"})) {
    // Three numbers after another are the direction of one axis.
    direction = Eigen::Matrix3d(meta_numbers(*matrix, "TransformMatrix", 9, name)->data());
  } else {
    warnings.emplace_back(
        "the header has no TransformMatrix: axes are taken as left, posterior, superior");
  }
  const Eigen::Vector3d lengths = direction.colwise().norm().transpose();
  if ((lengths.array() - 1).abs().maxCoeff() > 1e-3) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "bad-transform",
                       name,
                       fmt::format("expected TransformMatrix to hold three vectors of length 1, "
                                   "found lengths {}, {} and {}",
                                   lengths[0],
                                   lengths[1],
                                   lengths[2]));
  }
  direction = direction * lengths.cwiseInverse().asDiagonal();
  Eigen::Vector3d origin = Eigen::Vector3d::Zero();
  if (const std::string* const offset = meta_field(fields, {"Offset", "Position", "Origin"})) {
    origin = Eigen::Vector3d(meta_numbers(*offset, "Offset", 3, name)->data());
  } else {
    warnings.emplace_back("the header has no Offset; it is taken as (0, 0, 0)");
  }
  if (const std::string* const unit = meta_field(fields, {"DistanceUnits"});
      unit != nullptr && *unit != "mm" && *unit != "?") {
    refuse_volume_file(ErrorCode::kUnsupported,
                       "unsupported-unit",
                       name,
                       fmt::format("expected lengths in mm, found \"{}\"", printable(*unit)));
  }
  return place_volume_grid(
      size, direction * Eigen::Vector3d(spacing.data()).asDiagonal(), origin, name, warnings);
}

void read_meta_encoding(const MetaFields& fields,
                        VolumeFileHeader& header,
                        const std::string& name) {
  const std::string* const binary = meta_field(fields, {"BinaryData"});
  if (binary != nullptr && !meta_flag(binary, "BinaryData", name)) {
    refuse_volume_file(ErrorCode::kUnsupported,
                       "unsupported-encoding",
                       name,
                       "expected binary voxels, found text; write the volume with BinaryData = "
                       "True");
  }
  if (meta_flag(meta_field(fields, {"CompressedData"}), "CompressedData", name)) {
    header.encoding = "zlib";
  }
  const std::string* const order =
      meta_field(fields, {"BinaryDataByteOrderMSB", "ElementByteOrderMSB"});
  if (order == nullptr && stored_voxel_bytes(header) > 1) {
    header.warnings.emplace_back(
        "the header does not tell the byte order of the voxels; little endian is assumed");
  }
  header.big_endian = meta_flag(order, "BinaryDataByteOrderMSB", name);
}

void read_meta_place_of_voxels(const MetaText& text,
                               VolumeFileHeader& header,
                               const std::string& name) {
  const std::string& file = text.fields.at("ElementDataFile");
  if (file.starts_with("LIST") || file.find(' ') != std::string::npos) {
    refuse_volume_file(ErrorCode::kUnsupported,
                       "detached-data",
                       name,
                       "expected the voxels in one file whose name has no blanks, found a list of "
                       "files; write the volume as one file");
  }
  if (file == "LOCAL" || file == "Local" || file == "local") {
    header.data_offset = static_cast<std::int64_t>(text.data_offset);
  } else {
    header.data_file = detached_file_name(file, name);
  }
  if (const std::string* const skip = meta_field(text.fields, {"HeaderSize"});
      skip != nullptr && *skip != "0") {
    const std::int64_t bytes = header_integer(*skip).value_or(-2);
    if (header.encoding != "raw" || header.data_file.empty() || bytes < -1 ||
        bytes > (std::int64_t{1} << 40)) {
      refuse_volume_file(ErrorCode::kUnsupported,
                         "unsupported-encoding",
                         name,
                         fmt::format("expected HeaderSize to be 0, or a number of bytes before raw "
                                     "voxels in a file of their own, found \"{}\"",
                                     printable(*skip)));
    }
    header.data_offset = bytes;
  }
  if (header.encoding == "raw") {
    return;
  }
  // ITK reads zeros where the size is not told.
  const std::string& packed = needed_meta_field(text.fields, "CompressedDataSize", name);
  header.packed_bytes = header_integer(packed).value_or(-1);
  if (header.packed_bytes < 1) {
    refuse_volume_file(
        ErrorCode::kUnreadable,
        "bad-header",
        name,
        fmt::format("expected CompressedDataSize to be a number of bytes, found \"{}\"",
                    printable(packed)));
  }
}

}  // namespace

VolumeFileHeader parse_metaimage_header(std::span<const std::byte> bytes, const std::string& name) {
  const MetaText text = read_meta_fields(bytes, name);
  check_meta_kind(text.fields, name);
  VolumeFileHeader header;
  header.format = "metaimage";
  header.datatype = meta_datatype(text.fields, name);
  const Size3 size = header_size(needed_meta_field(text.fields, "DimSize", name), name);
  header.geometry = place_metaimage(text.fields, size, name, header.warnings);
  read_meta_encoding(text.fields, header, name);
  read_meta_place_of_voxels(text, header, name);
  return header;
}

VolumeFileKind volume_file_kind(std::span<const std::byte> head) {
  std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.starts_with("NRRD000")) {
    return VolumeFileKind::kNrrd;
  }
  for (const std::string_view key : {"ObjectType", "NDims", "Comment", "BinaryData"}) {
    if (text.starts_with(key)) {
      const std::string_view rest = trim(text.substr(key.size(), 8));
      const bool named = text.find("NDims") != std::string_view::npos;
      return rest.starts_with('=') && named ? VolumeFileKind::kMetaImage : VolumeFileKind::kNone;
    }
  }
  return VolumeFileKind::kNone;
}

std::int64_t stored_voxel_bytes(const VolumeFileHeader& header) {
  return nifti_type(header.datatype).bits / 8;
}

std::uint64_t stored_volume_bytes(const VolumeFileHeader& header) {
  // At most 2^40 voxels of 8 bytes.
  return static_cast<std::uint64_t>(header.geometry.voxels()) *
         static_cast<std::uint64_t>(stored_voxel_bytes(header));
}

}  // namespace marrow
