#include "io/nifti/nifti_fields.h"

#include <bit>
#include <cstring>
#include <type_traits>

#include "io/file_error.h"

namespace marrow {

namespace {

template <std::size_t kBytes>
struct FieldBits;

template <>
struct FieldBits<1> {
  using Type = std::uint8_t;
};

template <>
struct FieldBits<2> {
  using Type = std::uint16_t;
};

template <>
struct FieldBits<4> {
  using Type = std::uint32_t;
};

template <>
struct FieldBits<8> {
  using Type = std::uint64_t;
};

// Reads fields of a header whose byte order is known.
class FieldReader {
 public:
  FieldReader(std::span<const std::byte> head, bool big_endian)
      : head_(head), swap_(big_endian == (std::endian::native == std::endian::little)) {}

  template <class T>
  [[nodiscard]] T at(std::size_t offset) const {
    using Bits = typename FieldBits<sizeof(T)>::Type;
    std::array<std::byte, sizeof(T)> bytes{};
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes[swap_ ? sizeof(T) - 1 - i : i] = head_[offset + i];
    }
    return std::bit_cast<T>(std::bit_cast<Bits>(bytes));
  }

 private:
  std::span<const std::byte> head_;
  bool swap_;
};

bool holds_text(std::span<const std::byte> head, std::size_t offset, std::string_view text) {
  return head.size() >= offset + text.size() &&
         std::memcmp(head.data() + offset, text.data(), text.size()) == 0;
}

template <class Integer, class Real>
void read_common_fields(const FieldReader& reader,
                        std::size_t dim,
                        std::size_t pixdim,
                        NiftiFields& fields) {
  for (std::size_t i = 0; i < 8; ++i) {
    fields.dim[i] = reader.at<Integer>(dim + i * sizeof(Integer));
    fields.pixdim[i] = reader.at<Real>(pixdim + i * sizeof(Real));
  }
}

template <class Real>
void read_transform_fields(const FieldReader& reader,
                           std::size_t quatern,
                           std::size_t srow,
                           NiftiFields& fields) {
  for (std::size_t i = 0; i < 3; ++i) {
    fields.quatern[i] = reader.at<Real>(quatern + i * sizeof(Real));
    fields.qoffset[i] = reader.at<Real>(quatern + (3 + i) * sizeof(Real));
    for (std::size_t j = 0; j < 4; ++j) {
      fields.srow[i][j] = reader.at<Real>(srow + (4 * i + j) * sizeof(Real));
    }
  }
}

}  // namespace

NiftiSignature nifti_signature(std::span<const std::byte> head) {
  if (head.size() < 4) {
    return {};
  }
  for (const bool big_endian : {false, true}) {
    const auto size = FieldReader(head, big_endian).at<std::int32_t>(0);
    if (size == 348) {
      if (holds_text(head, 344, std::string_view("n+1\0", 4))) {
        return {NiftiKind::kSingle1, big_endian};
      }
      if (holds_text(head, 344, std::string_view("ni1\0", 4))) {
        return {NiftiKind::kPair1, big_endian};
      }
      // ANALYZE: only with a plausible number of dimensions, or any file that starts with 348 would
      // be one.
      if (head.size() >= 348) {
        const auto dimensions = FieldReader(head, big_endian).at<std::int16_t>(40);
        return {dimensions >= 1 && dimensions <= 7 ? NiftiKind::kAnalyze : NiftiKind::kNone,
                big_endian};
      }
    }
    if (size == 540) {
      if (holds_text(head, 4, std::string_view("n+2\0\r\n\x1a\n", 8))) {
        return {NiftiKind::kSingle2, big_endian};
      }
      if (holds_text(head, 4, std::string_view("ni2\0\r\n\x1a\n", 8))) {
        return {NiftiKind::kPair2, big_endian};
      }
    }
  }
  return {};
}

NiftiFields read_nifti_fields(std::span<const std::byte> head, const std::string& name) {
  NiftiFields fields;
  fields.signature = nifti_signature(head);
  if (fields.signature.kind == NiftiKind::kNone) {
    throw FileError(ErrorCode::kUnreadable,
                    head.size() < 348 ? "cut-short" : "bad-header",
                    name + ": expected a NIfTI-1 or NIfTI-2 header, found " +
                        (head.size() < 348 ? "only " + std::to_string(head.size()) + " bytes"
                                           : std::string("other bytes")) +
                        "; copy the file again or leave it out");
  }
  if (fields.signature.kind == NiftiKind::kAnalyze) {
    throw FileError(ErrorCode::kUnsupported,
                    "analyze",
                    name +
                        ": expected NIfTI, found an ANALYZE 7.5 header, which does not say where "
                        "left and right are; convert it to NIfTI with a tool that knows its "
                        "orientation");
  }
  if (head.size() < fields.signature.header_bytes()) {
    throw FileError(ErrorCode::kUnreadable,
                    "cut-short",
                    name + ": expected a header of " +
                        std::to_string(fields.signature.header_bytes()) + " bytes, found " +
                        std::to_string(head.size()) + "; copy the file again");
  }
  const FieldReader reader(head, fields.signature.big_endian);
  if (fields.signature.version() == 1) {
    read_common_fields<std::int16_t, float>(reader, 40, 76, fields);
    read_transform_fields<float>(reader, 256, 280, fields);
    fields.datatype = reader.at<std::int16_t>(70);
    fields.bitpix = reader.at<std::int16_t>(72);
    fields.vox_offset = reader.at<float>(108);
    fields.scl_slope = reader.at<float>(112);
    fields.scl_inter = reader.at<float>(116);
    fields.xyzt_units = reader.at<std::uint8_t>(123);
    fields.qform_code = reader.at<std::int16_t>(252);
    fields.sform_code = reader.at<std::int16_t>(254);
  } else {
    read_common_fields<std::int64_t, double>(reader, 16, 104, fields);
    read_transform_fields<double>(reader, 352, 400, fields);
    fields.datatype = reader.at<std::int16_t>(12);
    fields.bitpix = reader.at<std::int16_t>(14);
    fields.vox_offset = static_cast<double>(reader.at<std::int64_t>(168));
    fields.scl_slope = reader.at<double>(176);
    fields.scl_inter = reader.at<double>(184);
    fields.qform_code = reader.at<std::int32_t>(344);
    fields.sform_code = reader.at<std::int32_t>(348);
    fields.xyzt_units = reader.at<std::int32_t>(500);
  }
  return fields;
}

NiftiType nifti_type(int code) {
  static constexpr std::array kTypes{
      NiftiType{1, "one bit per voxel", 1, false},
      NiftiType{2, "uint8", 8, true},
      NiftiType{4, "int16", 16, true},
      NiftiType{8, "int32", 32, true},
      NiftiType{16, "float32", 32, true},
      NiftiType{32, "complex64", 64, false},
      NiftiType{64, "float64", 64, true},
      NiftiType{128, "RGB colour", 24, false},
      NiftiType{256, "int8", 8, true},
      NiftiType{512, "uint16", 16, true},
      NiftiType{768, "uint32", 32, true},
      NiftiType{1024, "int64", 64, true},
      NiftiType{1280, "uint64", 64, true},
      NiftiType{1536, "float128", 128, false},
      NiftiType{1792, "complex128", 128, false},
      NiftiType{2048, "complex256", 256, false},
      NiftiType{2304, "RGBA colour", 32, false},
  };
  for (const NiftiType& type : kTypes) {
    if (type.code == code) {
      return type;
    }
  }
  return {code, "unknown", 0, false};
}

}  // namespace marrow
