#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <libdeflate.h>

#include "core/error.h"

// NIfTI files made byte by byte, independent of our writer, for the tests of everything that reads
// them.
namespace marrow::testing {

using Bytes = std::vector<std::byte>;

// A NIfTI-1 or -2 header whose fields are set one by one, voxels behind it.
class NiftiBytesBuilder {
 public:
  // 5 x 4 x 3 voxels of 0.7 x 1.3 x 2.9 mm, sform only, int16 voxels 0, 1, 2, ...
  explicit NiftiBytesBuilder(int version = 1, bool big_endian = false)
      : version_(version), swap_(big_endian), bytes_(version == 2 ? 544 : 352) {
    if (version == 1) {
      put<std::int32_t>(0, 348);
      put_text(344, std::string("n+1\0", 4));
      put<float>(108, 352);
      put<std::uint8_t>(123, 2);
    } else {
      put<std::int32_t>(0, 540);
      put_text(4, std::string("n+2\0\r\n\x1a\n", 8));
      put<std::int64_t>(168, 544);
      put<std::int32_t>(500, 2);
    }
    dims({3, 5, 4, 3, 1, 1, 1, 1});
    pixdim({1, 0.7, 1.3, 2.9, 1, 1, 1, 1});
    type(4, 16);
    sform(1, {{{0.7, 0, 0, -10}, {0, 1.3, 0, 20}, {0, 0, 2.9, 30}}});
    std::vector<std::int16_t> values(60);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<std::int16_t>(i);
    }
    voxels<std::int16_t>(values);
  }

  template <class T>
  NiftiBytesBuilder& put(std::size_t offset, T value) {
    std::array<std::byte, sizeof(T)> raw{};
    std::memcpy(raw.data(), &value, sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_[offset + i] = raw[swap_ ? sizeof(T) - 1 - i : i];
    }
    return *this;
  }

  NiftiBytesBuilder& put_text(std::size_t offset, const std::string& text) {
    std::memcpy(bytes_.data() + offset, text.data(), text.size());
    return *this;
  }

  NiftiBytesBuilder& dim(std::size_t i, std::int64_t value) {
    return version_ == 1 ? put(40 + 2 * i, static_cast<std::int16_t>(value))
                         : put(16 + 8 * i, value);
  }

  NiftiBytesBuilder& dims(const std::array<std::int64_t, 8>& values) {
    for (std::size_t i = 0; i < 8; ++i) {
      dim(i, values[i]);
    }
    return *this;
  }

  NiftiBytesBuilder& pixdim(const std::array<double, 8>& values) {
    for (std::size_t i = 0; i < 8; ++i) {
      put_real(76, 104, i, values[i]);
    }
    return *this;
  }

  NiftiBytesBuilder& type(std::int16_t code, std::int16_t bits) {
    return version_ == 1 ? put(70, code).put(72, bits) : put(12, code).put(14, bits);
  }

  NiftiBytesBuilder& scaling(double slope, double intercept) {
    return put_real(112, 176, 0, slope).put_real(116, 184, 0, intercept);
  }

  NiftiBytesBuilder& units(int code) {
    return version_ == 1 ? put<std::uint8_t>(123, static_cast<std::uint8_t>(code))
                         : put<std::int32_t>(500, code);
  }

  NiftiBytesBuilder& sform(int code, const std::array<std::array<double, 4>, 3>& rows) {
    put_code(254, 348, code);
    for (std::size_t i = 0; i < 12; ++i) {
      put_real(280, 400, i, rows[i / 4][i % 4]);
    }
    return *this;
  }

  // quatern b, c, d and offset
  NiftiBytesBuilder& qform(int code, const std::array<double, 6>& values) {
    put_code(252, 344, code);
    for (std::size_t i = 0; i < 6; ++i) {
      put_real(256, 352, i, values[i]);
    }
    return *this;
  }

  NiftiBytesBuilder& vox_offset(double value) {
    return version_ == 1 ? put(108, static_cast<float>(value))
                         : put(168, static_cast<std::int64_t>(value));
  }

  template <class T>
  NiftiBytesBuilder& voxels(const std::vector<T>& values) {
    voxels_.resize(values.size() * sizeof(T));
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::array<std::byte, sizeof(T)> raw{};
      std::memcpy(raw.data(), &values[i], sizeof(T));
      for (std::size_t b = 0; b < sizeof(T); ++b) {
        voxels_[i * sizeof(T) + b] = raw[swap_ ? sizeof(T) - 1 - b : b];
      }
    }
    return *this;
  }

  [[nodiscard]] Bytes file() const {
    Bytes all = bytes_;
    all.insert(all.end(), voxels_.begin(), voxels_.end());
    return all;
  }

  [[nodiscard]] const Bytes& voxel_bytes() const { return voxels_; }

  [[nodiscard]] Bytes header_bytes() const {
    return {bytes_.begin(), bytes_.begin() + (version_ == 2 ? 540 : 348)};
  }

 private:
  NiftiBytesBuilder& put_real(std::size_t first1, std::size_t first2, std::size_t i, double value) {
    return version_ == 1 ? put(first1 + 4 * i, static_cast<float>(value))
                         : put(first2 + 8 * i, value);
  }

  void put_code(std::size_t offset1, std::size_t offset2, int code) {
    if (version_ == 1) {
      put(offset1, static_cast<std::int16_t>(code));
    } else {
      put<std::int32_t>(offset2, code);
    }
  }

  int version_;
  bool swap_;
  Bytes bytes_;
  Bytes voxels_;
};

inline Bytes gzipped(std::span<const std::byte> plain) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(6), &libdeflate_free_compressor);
  Bytes packed(libdeflate_gzip_compress_bound(compressor.get(), plain.size()));
  packed.resize(libdeflate_gzip_compress(
      compressor.get(), plain.data(), plain.size(), packed.data(), packed.size()));
  return packed;
}

inline void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

inline void write_file(const std::filesystem::path& file, std::string_view text) {
  write_file(file, std::as_bytes(std::span(text)));
}

// Runs `work` and returns the sentence of the Error it throws; its code must be `code`.
template <class Work>
std::string error_of(ErrorCode code, Work work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error_name(error.code()), error_name(code)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "expected an Error, none was thrown";
  return {};
}

}  // namespace marrow::testing
