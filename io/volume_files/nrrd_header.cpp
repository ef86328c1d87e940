#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/text.h"
#include "io/volume_files/header_text.h"
#include "io/volume_files/volume_header.h"

namespace marrow {

namespace {

using NrrdFields = std::map<std::string, std::string>;

struct NrrdText {
  NrrdFields fields;
  std::size_t data_offset = 0;  // behind the blank line
  bool blank_line = false;
  bool segmentation = false;
};

// Two spellings of one field, from the format's definition.
std::string nrrd_field_name(std::string_view written) {
  static const std::map<std::string, std::string> kSame{{"datafile", "data file"},
                                                        {"lineskip", "line skip"},
                                                        {"byteskip", "byte skip"},
                                                        {"centerings", "centers"},
                                                        {"blocksize", "block size"}};
  std::string lower = lower_header_word(written);
  const auto found = kSame.find(lower);
  return found == kSame.end() ? lower : found->second;
}

NrrdText read_nrrd_fields(std::span<const std::byte> bytes, const std::string& name) {
  HeaderLines lines(bytes, name);
  const std::string_view magic = lines.next().value_or("");
  if (magic.size() != 8 || !magic.starts_with("NRRD000") || magic[7] < '1' || magic[7] > '5') {
    refuse_volume_file(ErrorCode::kUnsupported,
                       "bad-header",
                       name,
                       fmt::format("expected NRRD0001 to NRRD0005 in the first line, found \"{}\"",
                                   printable(magic)));
  }
  NrrdText text;
  while (const auto line = lines.next()) {
    if (line->empty()) {
      text.blank_line = true;
      break;
    }
    if (line->front() == '#') {
      continue;
    }
    const std::size_t pair = line->find(":=");
    const std::size_t colon = line->find(": ");
    if (pair != std::string_view::npos && (colon == std::string_view::npos || pair < colon)) {
      text.segmentation = text.segmentation || line->starts_with("Segment0_");
      continue;
    }
    if (colon == std::string_view::npos) {
      refuse_volume_file(
          ErrorCode::kUnreadable,
          "bad-header",
          name,
          fmt::format("expected \"field: value\" in the header, found \"{}\"", printable(*line)));
    }
    const std::string field = nrrd_field_name(line->substr(0, colon));
    if (!text.fields.emplace(field, trim(line->substr(colon + 2))).second) {
      refuse_volume_file(
          ErrorCode::kUnreadable,
          "bad-header",
          name,
          fmt::format("the field \"{}\" is there twice in the header", printable(field)));
    }
  }
  text.data_offset = lines.offset();
  return text;
}

const std::string& nrrd_field(const NrrdFields& fields,
                              const std::string& field,
                              const std::string& name) {
  const auto found = fields.find(field);
  if (found == fields.end()) {
    refuse_volume_file(
        ErrorCode::kUnreadable,
        "bad-header",
        name,
        fmt::format("expected the field \"{}\" in the header, found none; repair the header",
                    field));
  }
  return found->second;
}

int nrrd_datatype(const std::string& written, const std::string& name) {
  static const std::map<std::string, int> kTypes{{"signed char", 256},
                                                 {"int8", 256},
                                                 {"int8_t", 256},
                                                 {"uchar", 2},
                                                 {"unsigned char", 2},
                                                 {"uint8", 2},
                                                 {"uint8_t", 2},
                                                 {"short", 4},
                                                 {"short int", 4},
                                                 {"signed short", 4},
                                                 {"signed short int", 4},
                                                 {"int16", 4},
                                                 {"int16_t", 4},
                                                 {"ushort", 512},
                                                 {"unsigned short", 512},
                                                 {"unsigned short int", 512},
                                                 {"uint16", 512},
                                                 {"uint16_t", 512},
                                                 {"int", 8},
                                                 {"signed int", 8},
                                                 {"int32", 8},
                                                 {"int32_t", 8},
                                                 {"uint", 768},
                                                 {"unsigned int", 768},
                                                 {"uint32", 768},
                                                 {"uint32_t", 768},
                                                 {"longlong", 1024},
                                                 {"long long", 1024},
                                                 {"long long int", 1024},
                                                 {"signed long long", 1024},
                                                 {"int64", 1024},
                                                 {"int64_t", 1024},
                                                 {"ulonglong", 1280},
                                                 {"unsigned long long", 1280},
                                                 {"uint64", 1280},
                                                 {"uint64_t", 1280},
                                                 {"float", 16},
                                                 {"double", 64},
                                                 {"signed long long int", 1024},
                                                 {"unsigned long long int", 1280}};
  const auto found = kTypes.find(lower_header_word(written));
  if (found == kTypes.end()) {
    refuse_volume_file(
        ErrorCode::kUnsupported,
        "unsupported-type",
        name,
        fmt::format("expected integer or float voxels, found the type \"{}\"", printable(written)));
  }
  return found->second;
}

// Axes that are no axes of space: colours, vectors, time.
void check_nrrd_axes(const NrrdFields& fields, const std::string& name) {
  const std::string& dimension = nrrd_field(fields, "dimension", name);
  if (dimension != "3") {
    const bool flat = dimension == "1" || dimension == "2";
    refuse_volume_file(
        ErrorCode::kUnsupported,
        flat ? "single-slice" : "several-volumes",
        name,
        fmt::format("expected one volume of 3 dimensions, found {}{}",
                    printable(dimension),
                    flat ? "" : "; write vectors, colours and time points as files of their own"));
  }
  const auto kinds = fields.find("kinds");
  if (kinds == fields.end()) {
    return;
  }
  static const std::set<std::string> kSpatial{"domain", "space", "???", "none"};
  for (const std::string& word : split_words(kinds->second, ' ')) {
    const std::string kind = lower_header_word(word);
    if (!kind.empty() && !kSpatial.contains(kind)) {
      refuse_volume_file(ErrorCode::kUnsupported,
                         "not-scalar",
                         name,
                         fmt::format("expected three axes of space, found an axis of the kind "
                                     "\"{}\"; write its values as files of their own",
                                     printable(kind)));
    }
  }
}

// "(1,0,0)" -> a vector, cut from the front of `text`; false when there is none.
bool take_nrrd_vector(std::string_view& text, Eigen::Vector3d& vector) {
  text = trim(text);
  const std::size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos) {
    return false;
  }
  const std::vector<std::string> words = split_words(std::string(text.substr(1, end - 1)), ',');
  text.remove_prefix(end + 1);
  if (words.size() != 3) {
    return false;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const auto numbers = header_numbers(words[i]);
    if (!numbers || numbers->size() != 1) {
      return false;
    }
    vector[static_cast<Eigen::Index>(i)] = numbers->front();
  }
  return true;
}

// What turns the file's axes of the world into left, posterior, superior.
Eigen::Vector3d lps_signs(const std::string& space, const std::string& name) {
  const std::string word = lower_header_word(space);
  if (word == "left-posterior-superior" || word == "lps") {
    return {1, 1, 1};
  }
  if (word == "right-anterior-superior" || word == "ras") {
    return {-1, -1, 1};
  }
  if (word == "left-anterior-superior" || word == "las") {
    // ITK 5.2 turns its x axis instead of its y axis, so that left and right depend on who wrote
    // it.
    refuse_volume_file(ErrorCode::kUnsupported,
                       "no-orientation",
                       name,
                       "expected the space left-posterior-superior or right-anterior-superior, "
                       "found left-anterior-superior, which programs read in two ways; write the "
                       "volume with one of the others");
  }
  refuse_volume_file(
      ErrorCode::kUnsupported,
      "no-orientation",
      name,
      fmt::format("expected the space left-posterior-superior or right-anterior-superior, found "
                  "\"{}\", which does not tell the patient's left "
                  "from right; write the volume with a space of the patient",
                  printable(space)));
}

void check_nrrd_units(const NrrdFields& fields, const std::string& name) {
  for (const char* const field : {"space units", "units"}) {
    const auto units = fields.find(field);
    if (units == fields.end()) {
      continue;
    }
    std::string text = lower_header_word(units->second);
    std::replace(text.begin(), text.end(), '"', ' ');
    for (const std::string& unit : split_words(text, ' ')) {
      if (!unit.empty() && unit != "mm" && unit != "millimeter" && unit != "millimeters" &&
          unit != "???") {
        refuse_volume_file(
            ErrorCode::kUnsupported,
            "unsupported-unit",
            name,
            fmt::format("expected lengths in mm, found \"{}\"", printable(units->second)));
      }
    }
  }
}

Geometry place_nrrd(const NrrdFields& fields,
                    const Size3& size,
                    const std::string& name,
                    std::vector<std::string>& warnings) {
  check_nrrd_units(fields, name);
  Eigen::Matrix3d columns = Eigen::Matrix3d::Zero();
  Eigen::Vector3d origin = Eigen::Vector3d::Zero();
  const auto space = fields.find("space");
  if (space == fields.end()) {
    const auto spacings = fields.find("spacings");
    const auto numbers = spacings == fields.end() ? std::nullopt : header_numbers(spacings->second);
    if (fields.contains("space directions") || !numbers || numbers->size() != 3) {
      refuse_volume_file(
          ErrorCode::kUnsupported,
          "no-orientation",
          name,
          "expected the field \"space\", without which left and right are unknown, found none; "
          "write the volume with a space of the patient");
    }
    warnings.emplace_back(
        "the header has no \"space\": only the spacing is known, axes are taken as left, "
        "posterior, superior");
    columns.diagonal() = Eigen::Vector3d(numbers->data()).cwiseAbs();
    return place_volume_grid(size, columns, origin, name, warnings);
  }
  const Eigen::Vector3d signs = lps_signs(space->second, name);
  std::string_view rest = nrrd_field(fields, "space directions", name);
  bool good = true;
  for (Eigen::Index axis = 0; axis < 3; ++axis) {
    Eigen::Vector3d column;
    good = good && take_nrrd_vector(rest, column);
    columns.col(axis) = good ? column : Eigen::Vector3d::Zero();
  }
  if (!good || !trim(rest).empty()) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "bad-transform",
                       name,
                       fmt::format("expected three finite vectors (x,y,z) as \"space directions\", "
                                   "found \"{}\"; repair the header or leave the file out",
                                   printable(fields.at("space directions"))));
  }
  const auto written = fields.find("space origin");
  if (written == fields.end()) {
    warnings.emplace_back("the header has no \"space origin\"; it is taken as (0, 0, 0)");
  } else {
    rest = written->second;
    if (!take_nrrd_vector(rest, origin) || !trim(rest).empty()) {
      refuse_volume_file(ErrorCode::kUnreadable,
                         "bad-transform",
                         name,
                         fmt::format("expected a finite vector (x,y,z) as \"space origin\", found "
                                     "\"{}\"; repair the header or leave the file out",
                                     printable(written->second)));
    }
  }
  return place_volume_grid(
      size, signs.asDiagonal() * columns, signs.cwiseProduct(origin), name, warnings);
}

void read_nrrd_encoding(const NrrdFields& fields,
                        VolumeFileHeader& header,
                        const std::string& name) {
  const std::string& written = nrrd_field(fields, "encoding", name);
  const std::string encoding = lower_header_word(written);
  if (encoding == "gzip" || encoding == "gz") {
    header.encoding = "gzip";
  } else if (encoding != "raw") {
    refuse_volume_file(ErrorCode::kUnsupported,
                       "unsupported-encoding",
                       name,
                       fmt::format("expected the encoding raw or gzip, found \"{}\"; write the "
                                   "volume with one of these",
                                   printable(written)));
  }
  if (stored_voxel_bytes(header) > 1) {
    const std::string endian = lower_header_word(nrrd_field(fields, "endian", name));
    if (endian != "little" && endian != "big") {
      refuse_volume_file(
          ErrorCode::kUnreadable,
          "bad-header",
          name,
          fmt::format("expected endian to be little or big, found \"{}\"", printable(endian)));
    }
    header.big_endian = endian == "big";
  } else {
    header.big_endian = std::endian::native == std::endian::big;
  }
}

void read_nrrd_place_of_voxels(const NrrdText& text,
                               VolumeFileHeader& header,
                               const std::string& name) {
  const auto detached = text.fields.find("data file");
  if (detached != text.fields.end()) {
    if (detached->second.starts_with("LIST")) {
      refuse_volume_file(ErrorCode::kUnsupported,
                         "detached-data",
                         name,
                         "expected the voxels in one file, found a list of files; write the volume "
                         "as one file");
    }
    header.data_file = detached_file_name(detached->second, name);
  } else if (!text.blank_line) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "cut-short",
                       name,
                       "expected a blank line behind the header and voxels, but the file ends; "
                       "copy the file again from its source");
  } else {
    header.data_offset = static_cast<std::int64_t>(text.data_offset);
  }
  for (const char* const field : {"line skip", "byte skip"}) {
    const auto skip = text.fields.find(field);
    if (skip == text.fields.end() || skip->second == "0") {
      continue;
    }
    const std::int64_t bytes = header_integer(skip->second).value_or(-2);
    if (std::string_view(field) == "line skip" || header.encoding != "raw" || bytes < -1 ||
        bytes > (std::int64_t{1} << 40)) {
      refuse_volume_file(
          ErrorCode::kUnsupported,
          "unsupported-encoding",
          name,
          fmt::format("expected the field \"{}\" to be 0, or a number of bytes before raw voxels, "
                      "found \"{}\"",
                      field,
                      printable(skip->second)));
    }
    header.data_offset = bytes < 0 ? -1 : header.data_offset + bytes;
  }
}

}  // namespace

VolumeFileHeader parse_nrrd_header(std::span<const std::byte> bytes, const std::string& name) {
  const NrrdText text = read_nrrd_fields(bytes, name);
  check_nrrd_axes(text.fields, name);
  VolumeFileHeader header;
  header.format = "nrrd";
  header.segmentation = text.segmentation;
  header.datatype = nrrd_datatype(nrrd_field(text.fields, "type", name), name);
  const Size3 size = header_size(nrrd_field(text.fields, "sizes", name), name);
  header.geometry = place_nrrd(text.fields, size, name, header.warnings);
  read_nrrd_encoding(text.fields, header, name);
  read_nrrd_place_of_voxels(text, header, name);
  return header;
}

}  // namespace marrow
