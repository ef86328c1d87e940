#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <Eigen/Core>

#include "core/error.h"
#include "core/geometry.h"

// What the parsers of text headers share.
namespace marrow {

[[noreturn]] void refuse_volume_file(ErrorCode code,
                                     std::string reason_code,
                                     const std::string& name,
                                     const std::string& what);

// One line of a text header at a time, without its line end ("\n" or "\r\n").
class HeaderLines {
 public:
  HeaderLines(std::span<const std::byte> bytes, std::string name);

  // Nothing at the end of the bytes. Throws FileError for a header that does not end within
  // kLargestVolumeHeader bytes or that holds control bytes.
  [[nodiscard]] std::optional<std::string_view> next();

  // Where the next line starts.
  [[nodiscard]] std::size_t offset() const { return at_; }

 private:
  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
};

[[nodiscard]] std::string lower_header_word(std::string_view text);

// The numbers of a list separated by blanks; nothing when any word is no number or not finite.
[[nodiscard]] std::optional<std::vector<double>> header_numbers(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> header_integer(std::string_view text);

// Three sizes, each from 1 and with a product that a Geometry can hold; throws FileError.
[[nodiscard]] Size3 header_size(std::string_view text, const std::string& name);

// From columns (mm along each axis) and origin in LPS, with the checks that every reader makes:
// finite, near the scanner, not degenerate, not sheared. Appends a warning for odd spacings.
[[nodiscard]] Geometry place_volume_grid(const Size3& size,
                                         const Eigen::Matrix3d& columns,
                                         const Eigen::Vector3d& origin,
                                         const std::string& name,
                                         std::vector<std::string>& warnings);

// The name of a file beside the header: one path component, nothing that leads elsewhere; throws
// FileError.
[[nodiscard]] std::string detached_file_name(std::string_view text, const std::string& name);

}  // namespace marrow
