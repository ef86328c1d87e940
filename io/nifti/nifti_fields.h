#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace marrow {

// What the first bytes say a file is. ANALYZE 7.5 has the same header without a signature.
enum class NiftiKind { kNone, kAnalyze, kSingle1, kPair1, kSingle2, kPair2 };

struct NiftiSignature {
  NiftiKind kind = NiftiKind::kNone;
  bool big_endian = false;

  [[nodiscard]] int version() const {
    return kind == NiftiKind::kSingle2 || kind == NiftiKind::kPair2 ? 2 : 1;
  }

  [[nodiscard]] bool pair() const { return kind == NiftiKind::kPair1 || kind == NiftiKind::kPair2; }

  // Bytes of the header itself: 348 or 540.
  [[nodiscard]] std::size_t header_bytes() const { return version() == 2 ? 540 : 348; }
};

// `head`: the inflated start of a file, of any length.
[[nodiscard]] NiftiSignature nifti_signature(std::span<const std::byte> head);

// The header's fields as stored, in this machine's byte order; nothing has been judged yet.
struct NiftiFields {
  NiftiSignature signature;
  std::array<std::int64_t, 8> dim{};
  std::array<double, 8> pixdim{};
  int datatype = 0;
  int bitpix = 0;
  double vox_offset = 0;
  double scl_slope = 0;
  double scl_inter = 0;
  int xyzt_units = 0;
  int qform_code = 0;
  int sform_code = 0;
  std::array<double, 3> quatern{};  // b, c, d
  std::array<double, 3> qoffset{};
  std::array<std::array<double, 4>, 3> srow{};
};

// `head` must hold signature.header_bytes() bytes; throws Error{kUnreadable | kUnsupported} for
// what is not a NIfTI header, an ANALYZE header included.
[[nodiscard]] NiftiFields read_nifti_fields(std::span<const std::byte> head,
                                            const std::string& name);

struct NiftiType {
  int code = 0;
  std::string_view name;
  int bits = 0;
  bool readable = false;
};

// The type with this code; `name` is "unknown" and `bits` 0 when the standard has none.
[[nodiscard]] NiftiType nifti_type(int code);

}  // namespace marrow
