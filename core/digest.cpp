// The one-shot functions of OpenSSL 3 look their algorithm up by name every time, which costs ten
// times the digest of a UID; the plain SHA-256 state can be copied instead.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "core/digest.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <fstream>
#include <sys/random.h>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include "core/error.h"

namespace marrow {

namespace {

std::string hex(std::span<const unsigned char> bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

}  // namespace

std::string sha256_hex(std::span<const std::byte> bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned int length = 0;
  MARROW_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) == 1);
  return hex(digest);
}

std::string sha256_hex(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
}

std::string sha256_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw Error(ErrorCode::kUnreadable, "cannot open " + file.string());
  }
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  MARROW_CHECK(context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1);
  std::vector<char> buffer(std::size_t{1} << 20);
  while (stream) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    EVP_DigestUpdate(context, buffer.data(), static_cast<std::size_t>(stream.gcount()));
  }
  std::array<unsigned char, 32> digest{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(context, digest.data(), &length);
  EVP_MD_CTX_free(context);
  return hex(digest);
}

std::string keyed_digest(std::string_view salt, std::string_view text) {
  std::array<unsigned char, 32> digest{};
  unsigned int length = 0;
  MARROW_CHECK(HMAC(EVP_sha256(),
                    salt.data(),
                    static_cast<int>(salt.size()),
                    reinterpret_cast<const unsigned char*>(text.data()),
                    text.size(),
                    digest.data(),
                    &length) != nullptr);
  return hex(std::span(digest).first(8));
}

struct KeyedDigest::State {
  SHA256_CTX inner;
  SHA256_CTX outer;
};

KeyedDigest::KeyedDigest(std::string_view salt) : state_(std::make_unique<State>()) {
  std::array<unsigned char, SHA256_CBLOCK> key{};
  if (salt.size() > key.size()) {
    SHA256(reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), key.data());
  } else {
    std::copy(salt.begin(), salt.end(), key.begin());
  }
  // HMAC (RFC 2104): both states have taken in the padded key.
  std::array<unsigned char, SHA256_CBLOCK> block{};
  const auto take_in = [&](SHA256_CTX& context, unsigned char pad) {
    std::transform(key.begin(), key.end(), block.begin(), [&](unsigned char byte) {
      return static_cast<unsigned char>(byte ^ pad);
    });
    MARROW_CHECK(SHA256_Init(&context) == 1 &&
                 SHA256_Update(&context, block.data(), block.size()) == 1);
  };
  take_in(state_->inner, 0x36);
  take_in(state_->outer, 0x5C);
}

KeyedDigest::~KeyedDigest() = default;

std::string KeyedDigest::operator()(std::string_view text) const {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256_CTX inner = state_->inner;
  SHA256_CTX outer = state_->outer;
  MARROW_CHECK(SHA256_Update(&inner, text.data(), text.size()) == 1 &&
               SHA256_Final(digest.data(), &inner) == 1 &&
               SHA256_Update(&outer, digest.data(), digest.size()) == 1 &&
               SHA256_Final(digest.data(), &outer) == 1);
  return hex(std::span(digest).first(8));
}

std::uint64_t xxh3(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::string random_salt() {
  std::array<unsigned char, 32> bytes{};
  MARROW_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return hex(bytes);
}

}  // namespace marrow
