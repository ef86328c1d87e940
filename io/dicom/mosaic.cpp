#include "io/dicom/mosaic.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <Eigen/Geometry>
#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/csa_header.h"
#include "io/dicom/dicom_sequences.h"
#include "io/dicom/private_elements.h"

namespace marrow {

namespace {

constexpr std::int64_t kMostTiles = 10'000;
constexpr PrivateElement kUnitedPositions{0x0065, "Image Private Header", 0x51};

using CsaFields = std::map<std::string, std::vector<std::string>>;

CsaFields siemens_csa(DcmItem& data) {
  const DcmTagKey tag = private_tag(data, kSiemensCsa);
  DcmElement* element = nullptr;
  Uint8* bytes = nullptr;
  constexpr Uint32 kLargestCsa = 16U << 20;
  if (tag == DCM_UndefinedTagKey || data.findAndGetElement(tag, element).bad() ||
      element == nullptr || element->getLength() > kLargestCsa ||
      element->getUint8Array(bytes).bad() || bytes == nullptr) {
    return {};
  }
  return parse_csa_header(std::as_bytes(std::span(bytes, element->getLength())));
}

std::vector<double> csa_numbers(const CsaFields& fields, const char* name) {
  std::vector<double> numbers;
  if (const auto found = fields.find(name); found != fields.end()) {
    for (const std::string& text : found->second) {
      numbers.push_back(parse_decimal(text).value_or(std::nan("")));
    }
  }
  return numbers;
}

std::int64_t tile_count(const std::optional<double>& number) {
  const bool whole = number && *number > 1 && *number <= static_cast<double>(kMostTiles) &&
                     *number == std::floor(*number);
  return whole ? static_cast<std::int64_t>(*number) : 0;
}

class MosaicReader {
 public:
  MosaicReader(DcmItem& data, DicomHeader& header) : data_(data), header_(header) {}

  void read() {
    const bool says_mosaic = image_type("MOSAIC");
    if (const DcmTagKey tiles = private_tag(data_, kUnitedTiles); tiles != DCM_UndefinedTagKey) {
      read_united(tile_count(parse_decimal(dicom_text(data_, tiles))));
      return;
    }
    const CsaFields csa = siemens_csa(data_);
    std::int64_t tiles = 0;
    if (const DcmTagKey tag = private_tag(data_, kSiemensTiles); tag != DCM_UndefinedTagKey) {
      tiles = tile_count(parse_decimal(dicom_text(data_, tag)));
    }
    if (const std::vector<double> count = csa_numbers(csa, "NumberOfImagesInMosaic");
        !count.empty()) {
      const std::int64_t of_csa = tile_count(count.front());
      if (tiles != 0 && of_csa != 0 && tiles != of_csa) {
        problem(fmt::format("its header says {} slices and {}", tiles, of_csa));
        return;
      }
      tiles = tiles == 0 ? of_csa : tiles;
    }
    if (tiles == 0 && says_mosaic) {
      problem("the number of its slices is not in the header");
    } else if (tiles != 0) {
      read_siemens(tiles, csa);
    }
  }

 private:
  [[nodiscard]] bool image_type(std::string_view word) const {
    return std::any_of(
        header_.image_type.begin(), header_.image_type.end(), [&](const std::string& value) {
          return value.find(word) != std::string::npos;
        });
  }

  void problem(const std::string& what) {
    header_.traits["mosaic_tiles"].assign("?");
    header_.traits["frames_problem"] =
        "each file is a mosaic, one picture with the slices of a volume as tiles, and " + what;
  }

  // Rows and columns of tiles; false (and said) when they do not divide the picture.
  bool divide(std::int64_t tiles, bool square) {
    const auto across = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(tiles))));
    const std::int64_t down = square ? across : (tiles + across - 1) / across;
    if (header_.columns % across != 0 || header_.rows % down != 0 || header_.columns < across ||
        header_.rows < down) {
      problem(fmt::format("its {} slices do not divide {} rows and {} columns",
                          tiles,
                          header_.rows,
                          header_.columns));
      return false;
    }
    header_.traits["mosaic_tiles"] = fmt::format("{}", tiles);
    header_.traits["tile_rows"] = fmt::format("{}", header_.rows / down);
    header_.traits["tile_columns"] = fmt::format("{}", header_.columns / across);
    across_ = across;
    down_ = down;
    return true;
  }

  void fill(std::int64_t tiles, const std::vector<Eigen::Vector3d>& positions) {
    header_.frame_table.resize(static_cast<std::size_t>(tiles));
    for (std::size_t n = 0; n < positions.size(); ++n) {
      DicomFrame& frame = header_.frame_table[n];
      frame.position = {{positions[n].x(), positions[n].y(), positions[n].z()}};
      frame.orientation = header_.orientation;
      frame.pixel_spacing = header_.pixel_spacing;
      frame.slope = header_.slope;
      frame.intercept = header_.intercept;
    }
  }

  void read_siemens(std::int64_t tiles, const CsaFields& csa) {
    if (!divide(tiles, true)) {
      return;
    }
    const std::vector<double> normal = csa_numbers(csa, "SliceNormalVector");
    const std::optional<std::vector<double>> step = dicom_numbers(data_, DCM_SpacingBetweenSlices);
    if (!header_.position || !header_.orientation || !header_.pixel_spacing) {
      problem("its position, orientation or pixel spacing is missing");
      return;
    }
    if (normal.size() != 3 || !step || step->size() != 1 || !(step->front() > 0)) {
      problem(
          "the direction (CSA SliceNormalVector) or distance (SpacingBetweenSlices) from slice "
          "to slice is missing");
      return;
    }
    const auto& o = *header_.orientation;
    const Eigen::Vector3d row(o[0], o[1], o[2]);
    const Eigen::Vector3d column(o[3], o[4], o[5]);
    const Eigen::Vector3d axis = row.cross(column).normalized();
    const double along = axis.dot(Eigen::Vector3d(normal.data()));
    constexpr double kNormalTolerance = 1e-3;
    if (!(std::abs(std::abs(along) - 1) < kNormalTolerance)) {
      problem("the direction from slice to slice is not the normal of the picture");
      return;
    }
    const auto tile_columns = static_cast<double>(header_.columns / across_);
    const auto tile_rows = static_cast<double>(header_.rows / down_);
    const Eigen::Vector3d first =
        Eigen::Vector3d(header_.position->data()) +
        row * (*header_.pixel_spacing)[1] * (static_cast<double>(header_.columns) - tile_columns) /
            2 +
        column * (*header_.pixel_spacing)[0] * (static_cast<double>(header_.rows) - tile_rows) / 2;
    const Eigen::Vector3d way = axis * (along > 0 ? step->front() : -step->front());
    std::vector<Eigen::Vector3d> positions;
    for (std::int64_t n = 0; n < tiles; ++n) {
      positions.emplace_back(first + static_cast<double>(n) * way);
    }
    fill(tiles, positions);
  }

  void read_united(std::int64_t tiles) {
    if (tiles == 0 || !divide(tiles, false)) {
      return;
    }
    const DcmTagKey tag = private_tag(data_, kUnitedPositions);
    const std::vector<DcmItem*> items =
        tag == DCM_UndefinedTagKey ? std::vector<DcmItem*>() : dicom_items(data_, tag);
    if (static_cast<std::int64_t>(items.size()) != tiles) {
      problem("the positions of its slices (private sequence 0065,xx51) are missing");
      return;
    }
    std::vector<Eigen::Vector3d> positions;
    for (DcmItem* const item : items) {
      const auto place = exact_numbers(*item, DCM_ImagePositionPatient, 3);
      if (!place) {
        problem(fmt::format("the position of slice {} is missing", positions.size() + 1));
        return;
      }
      positions.emplace_back(place->data());
    }
    fill(tiles, positions);
  }

  DcmItem& data_;
  DicomHeader& header_;
  std::int64_t across_ = 0;
  std::int64_t down_ = 0;
};

}  // namespace

void read_mosaic(DcmItem& data, DicomHeader& header) {
  MosaicReader(data, header).read();
}

}  // namespace marrow
