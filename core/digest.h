#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace marrow {

// SHA-256 as 64 lower-case hex digits.
[[nodiscard]] std::string sha256_hex(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256_hex(std::string_view text);
[[nodiscard]] std::string sha256_file(const std::filesystem::path& file);

// First 16 hex digits of HMAC-SHA-256(salt, text): the key that stands for an identifier.
[[nodiscard]] std::string keyed_digest(std::string_view salt, std::string_view text);

// keyed_digest of many texts with one salt, several times faster. Safe to share between threads.
class KeyedDigest {
 public:
  explicit KeyedDigest(std::string_view salt);
  ~KeyedDigest();
  KeyedDigest(const KeyedDigest&) = delete;
  KeyedDigest& operator=(const KeyedDigest&) = delete;

  [[nodiscard]] std::string operator()(std::string_view text) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// XXH3, 64 bit: checksum of blocks and files of our own formats, not against an adversary.
[[nodiscard]] std::uint64_t xxh3(std::span<const std::byte> bytes);

// 32 random bytes from the system, as hex.
[[nodiscard]] std::string random_salt();

}  // namespace marrow
