#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace marrow {

[[nodiscard]] bool is_gzip(std::span<const std::byte> head);

// Inflates gzip data piece by piece: members that follow one another are read through, every
// member's CRC and length are checked when its end is reached, and what a trailer says about sizes
// is never used. Throws Error{kUnreadable} for damaged, cut or wrongly summed data.
class GzipReader {
 public:
  // `compressed` must outlive the reader and start with a gzip member; `name` names the file in
  // messages.
  GzipReader(std::span<const std::byte> compressed, std::string name);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  // Fills `out`; fewer bytes are returned at the end of the last member only.
  [[nodiscard]] std::size_t read(std::span<std::byte> out);

  // Bytes after the last member that are no gzip member; known once read() came back short.
  [[nodiscard]] std::size_t trailing_bytes() const { return trailing_; }

 private:
  struct State;

  void start_member();

  std::unique_ptr<State> state_;
  std::span<const std::byte> all_;
  std::string name_;
  std::size_t at_ = 0;  // in `all_`, of the next byte to inflate
  std::size_t trailing_ = 0;
  bool in_member_ = false;
  bool finished_ = false;
};

// As many inflated bytes as `head`, the start of a gzip file, yields; at most out.size(). Damage
// only shortens the result.
[[nodiscard]] std::span<const std::byte> inflate_prefix(std::span<const std::byte> head,
                                                        std::span<std::byte> out);

}  // namespace marrow
