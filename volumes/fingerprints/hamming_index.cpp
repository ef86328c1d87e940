#include "volumes/fingerprints/hamming_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>

#include "core/error.h"
#include "volumes/fingerprints/hamming_kernel.h"
#include "volumes/fingerprints/hamming_scan.h"

namespace marrow {
namespace {

// So many positions of a key are compared at a time: their prints stay in the first-level cache.
constexpr std::size_t kPiece = 2048;
// So many keys ahead their prints are asked for.
constexpr std::size_t kAhead = 3;

// As folded_hash(), of several words: turned by so much that bits of one chunk seldom meet.
std::uint64_t print_of(const std::uint64_t* hash, std::size_t width) {
  std::uint64_t print = 0;
  for (std::size_t n = 0; n < width; ++n) {
    print ^= std::rotl(hash[n], static_cast<int>(3 * n % 64));
  }
  return print;
}

// Where each key's numbers begin in a list that is sorted by these keys, and the end.
std::vector<std::uint32_t> begins_of(const std::vector<std::uint32_t>& keys, int bits) {
  std::vector<std::uint32_t> begins((std::size_t{1} << static_cast<unsigned>(bits)) + 1);
  for (const std::uint32_t key : keys) {
    ++begins[key + 1];
  }
  for (std::size_t n = 1; n < begins.size(); ++n) {
    begins[n] += begins[n - 1];
  }
  return begins;
}

// Calls place(n, its place in that list) for n = 0, 1, ...
template <class Place>
void sort_by_key(const std::vector<std::uint32_t>& keys,
                 std::vector<std::uint32_t>& begins,
                 Place&& place) {
  for (std::size_t n = 0; n < keys.size(); ++n) {
    place(n, begins[keys[n]]++);
  }
  // Every begin has moved to its end, which is the next one's begin.
  std::copy_backward(begins.begin(), begins.end() - 2, begins.end() - 1);
  begins.front() = 0;
}

std::vector<std::uint32_t> keys_of(const HammingChunk& chunk, const HashList& hashes) {
  std::vector<std::uint32_t> keys(hashes.size());
  for (std::size_t n = 0; n < keys.size(); ++n) {
    keys[n] = chunk.key(hashes[n], hashes.width());
  }
  return keys;
}

}  // namespace

HammingIndex::HammingIndex(HashList hashes, int radius) : hashes_(hashes), radius_(radius) {
  check(hashes.width(), radius);
  for (HammingChunk& chunk : plan_hamming_chunks(hashes.size(), hashes.width(), radius)) {
    parts_.emplace_back().chunk = std::move(chunk);
    fill(parts_.back());
  }
}

void HammingIndex::check(std::size_t width, int radius) const {
  if (radius < 0 || radius > radius_ || width != hashes_.width()) {
    throw Error(ErrorCode::kInvalidArgument,
                "hamming index: expected a radius of 0 to " + std::to_string(radius_) + " and " +
                    std::to_string(hashes_.width()) + " words, found radius " +
                    std::to_string(radius) + " and " + std::to_string(width) + " words");
  }
}

void HammingIndex::fill(Part& part) const {
  const std::vector<std::uint32_t> keys = keys_of(part.chunk, hashes_);
  part.begins = begins_of(keys, part.chunk.bits);
  part.positions.resize(keys.size());
  const auto place_prints = [&](auto& prints, auto shorten) {
    prints.resize(keys.size());
    sort_by_key(keys, part.begins, [&](std::size_t position, std::size_t place) {
      part.positions[place] = static_cast<std::uint32_t>(position);
      prints[place] = shorten(print_of(hashes_[position], hashes_.width()));
    });
  };
  if (hamming_short_prints(radius_)) {
    place_prints(part.prints32, folded_hash);
  } else {
    place_prints(part.prints64, [](std::uint64_t print) { return print; });
  }
}

// Asks for the prints of a key ahead of their use: lists are too short for the processor to guess.
void HammingIndex::fetch(const Part& part, std::uint32_t key) const {
  const std::size_t begin = part.begins[key];
  const std::size_t end = std::min<std::size_t>(part.begins[key + 1], begin + kPiece);
  if (part.prints64.empty()) {
    for (std::size_t n = begin; n < end; n += 16) {
      __builtin_prefetch(part.prints32.data() + n);
    }
  } else {
    for (std::size_t n = begin; n < end; n += 8) {
      __builtin_prefetch(part.prints64.data() + n);
    }
  }
}

// The positions of one piece of one key that `query` is near to in this part and in none before.
template <class Visit>
void HammingIndex::compare(
    std::size_t part, const Query& query, std::size_t begin, std::size_t end, Visit&& visit) const {
  const HammingKernel& kernel = *query.kernel;
  const std::size_t width = hashes_.width();
  const Part& own = parts_[part];
  std::array<std::uint32_t, kPiece> found;  // NOLINT(*-member-init): filled by the kernel
  const std::size_t matches =
      own.prints64.empty()
          ? kernel.match32(own.prints32.data() + begin,
                           end - begin,
                           folded_hash(query.print),
                           query.radius,
                           found.data())
          : kernel.match64(
                own.prints64.data() + begin, end - begin, query.print, query.radius, found.data());
  for (std::size_t n = 0; n < matches; ++n) {
    const std::uint32_t position = own.positions[begin + found[n]];
    const std::uint64_t* const hash = hashes_[position];
    const int distance = kernel.distance(query.hash, hash, width);
    if (distance > query.radius) {
      continue;
    }
    const bool before = std::any_of(
        parts_.begin(), parts_.begin() + static_cast<std::ptrdiff_t>(part), [&](const Part& other) {
          const std::uint32_t difference =
              other.chunk.key(query.hash, width) ^ other.chunk.key(hash, width);
          return std::popcount(difference) <= other.chunk.radius;
        });
    if (!before) {
      visit(position, distance);
    }
  }
}

void HammingIndex::for_each_within(std::span<const std::uint64_t> query,
                                   int radius,
                                   const std::function<void(std::uint32_t, int)>& visit) const {
  check(query.size(), radius);
  const Query asked{query.data(), print_of(query.data(), query.size()), radius, &hamming_kernel()};
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    const Part& own = parts_[part];
    const std::uint32_t key = own.chunk.key(query.data(), query.size());
    const std::vector<std::uint32_t>& masks = own.chunk.masks;
    for (std::size_t n = 0; n < masks.size(); ++n) {
      if (n + kAhead < masks.size()) {
        fetch(own, key ^ masks[n + kAhead]);
      }
      const std::uint32_t mask = masks[n];
      const std::size_t end = own.begins[(key ^ mask) + 1];
      for (std::size_t begin = own.begins[key ^ mask]; begin < end; begin += kPiece) {
        compare(part, asked, begin, std::min(begin + kPiece, end), visit);
      }
    }
  }
}

void HammingIndex::for_each_pair(
    HashList queries,
    int radius,
    const std::function<void(std::uint32_t, std::uint32_t, int)>& visit) const {
  check(queries.width(), radius);
  const HammingKernel& kernel = hamming_kernel();
  std::vector<std::uint64_t> prints(queries.size());
  for (std::size_t n = 0; n < prints.size(); ++n) {
    prints[n] = print_of(queries[n], queries.width());
  }
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    const Part& own = parts_[part];
    const std::vector<std::uint32_t> keys = keys_of(own.chunk, queries);
    std::vector<std::uint32_t> begins = begins_of(keys, own.chunk.bits);
    std::vector<std::uint32_t> order(keys.size());
    sort_by_key(keys, begins, [&](std::size_t query, std::size_t place) {
      order[place] = static_cast<std::uint32_t>(query);
    });
    for (std::uint32_t key = 0; key + 1 < begins.size(); ++key) {
      const auto same = std::span(order).subspan(begins[key], begins[key + 1] - begins[key]);
      if (same.empty()) {
        continue;
      }
      const std::vector<std::uint32_t>& masks = own.chunk.masks;
      for (std::size_t n = 0; n < masks.size(); ++n) {
        if (n + kAhead < masks.size()) {
          fetch(own, key ^ masks[n + kAhead]);
        }
        const std::uint32_t mask = masks[n];
        const std::size_t end = own.begins[(key ^ mask) + 1];
        for (std::size_t begin = own.begins[key ^ mask]; begin < end; begin += kPiece) {
          for (const std::uint32_t query : same) {
            compare(
                part,
                {queries[query], prints[query], radius, &kernel},
                begin,
                std::min(begin + kPiece, end),
                [&](std::uint32_t position, int distance) { visit(query, position, distance); });
          }
        }
      }
    }
  }
}

std::size_t HammingIndex::bytes() const {
  std::size_t sum = 0;
  for (const Part& part : parts_) {
    sum += 4 * (part.begins.size() + part.positions.size() + part.prints32.size() +
                part.chunk.table.size() + part.chunk.masks.size()) +
           8 * part.prints64.size();
  }
  return sum;
}

}  // namespace marrow
