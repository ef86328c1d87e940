#include "volumes/reduction/fingerprint_bytes.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "core/digest.h"

namespace marrow {

namespace {

// 4: the checksum. 5: slices follow the odd axis.
constexpr std::uint32_t kFingerprintVersion = 5;

template <class T>
void put(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put(std::string& bytes, const std::string& text) {
  put(bytes, static_cast<std::uint64_t>(text.size()));
  bytes += text;
}

template <class T>
bool take(std::string_view& bytes, T& value) {
  if (bytes.size() < sizeof(T)) {
    return false;
  }
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return true;
}

bool take(std::string_view& bytes, std::string& text) {
  std::uint64_t size = 0;
  if (!take(bytes, size) || size > bytes.size()) {
    return false;
  }
  text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

std::uint64_t checksum(std::string_view bytes) {
  return xxh3(std::as_bytes(std::span(bytes)));
}

bool is_share(double value) {
  return value >= 0 && value <= 1;
}

bool plausible(const CaseFingerprint& made) {
  const std::int64_t count = made.size();
  return made.axis >= 0 && made.axis < 3 && count > 0 && made.voxels >= count &&
         std::all_of(made.spacing_mm.begin(),
                     made.spacing_mm.end(),
                     [](double spacing) { return std::isfinite(spacing) && spacing > 0; }) &&
         std::isfinite(made.mean) && std::isfinite(made.deviation) && made.deviation >= 0 &&
         is_share(made.empty_share) && is_share(made.not_finite_share) &&
         std::all_of(made.slices.begin(), made.slices.end(), [&](const SliceFingerprint& slice) {
           return std::isfinite(slice.entropy_bits) && slice.source >= 0 && slice.source < count;
         });
}

}  // namespace

std::string fingerprint_to_bytes(const CaseFingerprint& made) {
  std::string bytes;
  put(bytes, kFingerprintVersion);
  put(bytes, made.axis);
  put(bytes, made.voxels);
  put(bytes, made.hash);
  put(bytes, made.spacing_mm);
  put(bytes, made.mean);
  put(bytes, made.deviation);
  put(bytes, made.empty_share);
  put(bytes, made.not_finite_share);
  put(bytes, made.voxel_digest);
  put(bytes, made.flags.blank);
  put(bytes, made.flags.scout);
  put(bytes, made.flags.phantom);
  put(bytes, static_cast<std::uint64_t>(made.slices.size()));
  for (const SliceFingerprint& slice : made.slices) {
    put(bytes, slice.difference_hash);
    put(bytes, slice.perceptual_hash);
    put(bytes, slice.entropy_bits);
    put(bytes, slice.source);
  }
  put(bytes, checksum(bytes));
  return bytes;
}

std::optional<CaseFingerprint> fingerprint_from_bytes(std::string_view bytes) {
  std::uint64_t sum = 0;
  if (bytes.size() < sizeof sum) {
    return std::nullopt;
  }
  std::string_view end = bytes.substr(bytes.size() - sizeof sum);
  bytes.remove_suffix(sizeof sum);
  CaseFingerprint made;
  std::uint32_t version = 0;
  std::uint64_t count = 0;
  if (!take(end, sum) || sum != checksum(bytes) || !take(bytes, version) ||
      version != kFingerprintVersion || !take(bytes, made.axis) || !take(bytes, made.voxels) ||
      !take(bytes, made.hash) || !take(bytes, made.spacing_mm) || !take(bytes, made.mean) ||
      !take(bytes, made.deviation) || !take(bytes, made.empty_share) ||
      !take(bytes, made.not_finite_share) || !take(bytes, made.voxel_digest) ||
      !take(bytes, made.flags.blank) || !take(bytes, made.flags.scout) ||
      !take(bytes, made.flags.phantom) || !take(bytes, count)) {
    return std::nullopt;
  }
  for (; count > 0; --count) {
    SliceFingerprint& slice = made.slices.emplace_back();
    if (!take(bytes, slice.difference_hash) || !take(bytes, slice.perceptual_hash) ||
        !take(bytes, slice.entropy_bits) || !take(bytes, slice.source)) {
      return std::nullopt;
    }
  }
  return bytes.empty() && plausible(made) ? std::optional(std::move(made)) : std::nullopt;
}

}  // namespace marrow
