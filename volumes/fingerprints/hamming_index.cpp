#include "volumes/fingerprints/hamming_index.h"

#include <algorithm>
#include <array>
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

}  // namespace

HammingIndex::HammingIndex(HashList hashes, int radius) : hashes_(hashes), radius_(radius) {
  check(hashes.width(), radius);
  for (HammingChunk& chunk :
       plan_hamming_chunks(hashes.size(), hashes.width(), radius, HammingUse::kSearch)) {
    Part& part = parts_.emplace_back();
    part.hashes = sort_by_key(hashes, chunk, radius);
    part.starts.assign(part.hashes.begins.begin(), part.hashes.begins.end() - 1);
    part.chunk = std::move(chunk);
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

// One search. Candidates wait until there are several, so that what memory holds of them comes
// meanwhile.
class HammingIndex::Search {
 public:
  using Visit = std::function<void(std::uint32_t, std::uint32_t, int)>;

  // As KeyedHashes: numbers, and prints of one kind.
  struct Queries {
    std::span<const std::uint32_t> numbers;
    std::span<const std::uint32_t> prints32;
    std::span<const std::uint64_t> prints64;
  };

  // NOLINTNEXTLINE(*-member-init): arrays are left as they come, which each query would pay for
  Search(const HammingIndex& index, HashList queries, int radius, const Visit& visit)
      : index_(index), queries_(queries), radius_(radius), visit_(visit) {}

  // Compares queries that have this key in a part.
  void compare(std::uint32_t number, std::uint32_t key, const Queries& queries) {
    const Part& part = index_.parts_[number];
    const std::vector<std::uint32_t>& masks = part.chunk.masks;
    for (std::size_t n = 0; n < masks.size(); ++n) {
      if (n + kAhead < masks.size()) {
        fetch(part, key ^ masks[n + kAhead]);
      }
      const std::size_t end = part.hashes.begins[(key ^ masks[n]) + 1];
      for (std::size_t begin = part.starts[key ^ masks[n]]; begin < end; begin += kPiece) {
        for (std::size_t query = 0; query < queries.numbers.size(); ++query) {
          match(number, queries, query, begin, std::min(kPiece, end - begin));
        }
      }
    }
  }

  void finish() {
    for (std::size_t n = 0; n < waiting_; ++n) {
      Candidate& candidate = candidates_[n];
      candidate.position = index_.parts_[candidate.part].hashes.positions[candidate.place];
      __builtin_prefetch(index_.hashes_[candidate.position]);
    }
    for (std::size_t n = 0; n < waiting_; ++n) {
      verify(candidates_[n]);
    }
    waiting_ = 0;
  }

 private:
  struct Candidate {
    std::uint32_t query, part, place, position;
  };

  // Asks for the prints of a key: lists are too short for the processor to guess.
  static void fetch(const Part& part, std::uint32_t key) {
    const std::size_t begin = part.starts[key];
    const std::size_t end = std::min<std::size_t>(part.hashes.begins[key + 1], begin + kPiece);
    if (part.hashes.prints64.empty()) {
      for (std::size_t n = begin; n < end; n += 16) {
        __builtin_prefetch(part.hashes.prints32.data() + n);
      }
    } else {
      for (std::size_t n = begin; n < end; n += 8) {
        __builtin_prefetch(part.hashes.prints64.data() + n);
      }
    }
  }

  void match(std::uint32_t number,
             const Queries& queries,
             std::size_t query,
             std::size_t begin,
             std::size_t count) {
    const Part& part = index_.parts_[number];
    const std::size_t matches = part.hashes.prints64.empty()
                                    ? kernel_.match32(part.hashes.prints32.data() + begin,
                                                      count,
                                                      queries.prints32[query],
                                                      radius_,
                                                      found_.data())
                                    : kernel_.match64(part.hashes.prints64.data() + begin,
                                                      count,
                                                      queries.prints64[query],
                                                      radius_,
                                                      found_.data());
    for (std::size_t n = 0; n < matches; ++n) {
      const std::uint32_t place = static_cast<std::uint32_t>(begin) + found_[n];
      __builtin_prefetch(part.hashes.positions.data() + place);
      candidates_[waiting_++] = {queries.numbers[query], number, place, 0};
      if (waiting_ == candidates_.size()) {
        finish();
      }
    }
  }

  // Visits what is near and was not found in a part before.
  void verify(const Candidate& candidate) {
    const std::size_t width = queries_.width();
    const std::uint64_t* const query = queries_[candidate.query];
    const std::uint64_t* const hash = index_.hashes_[candidate.position];
    const int distance = kernel_.distance(query, hash, width);
    if (distance > radius_) {
      return;
    }
    for (std::uint32_t part = 0; part < candidate.part; ++part) {
      const HammingChunk& chunk = index_.parts_[part].chunk;
      if (kernel_.distance_of_bits(query, hash, chunk.taken.data(), width) <= chunk.radius) {
        return;
      }
    }
    visit_(candidate.query, candidate.position, distance);
  }

  const HammingIndex& index_;
  HashList queries_;
  int radius_;
  const Visit& visit_;
  const HammingKernel& kernel_ = hamming_kernel();
  std::size_t waiting_ = 0;
  std::array<Candidate, 64> candidates_;     // the first waiting_ are set
  std::array<std::uint32_t, kPiece> found_;  // filled by the kernel
};

void HammingIndex::for_each_within(std::span<const std::uint64_t> query,
                                   int radius,
                                   const std::function<void(std::uint32_t, int)>& visit) const {
  check(query.size(), radius);
  const Search::Visit visit_pair = [&visit](std::uint32_t, std::uint32_t position, int distance) {
    visit(position, distance);
  };
  Search search(*this, {query, query.size()}, radius, visit_pair);
  const std::uint32_t number = 0;
  const std::uint64_t print = print_of(query.data(), query.size());
  const std::uint32_t folded = folded_hash(print);
  const Search::Queries asked{{&number, 1}, {&folded, 1}, {&print, 1}};
  for (std::uint32_t part = 0; part < parts_.size(); ++part) {
    search.compare(part, parts_[part].chunk.key(query.data(), query.size()), asked);
  }
  search.finish();
}

void HammingIndex::for_each_pair(
    HashList queries,
    int radius,
    const std::function<void(std::uint32_t, std::uint32_t, int)>& visit) const {
  check(queries.width(), radius);
  Search search(*this, queries, radius, visit);
  for (std::uint32_t part = 0; part < parts_.size(); ++part) {
    const KeyedHashes sorted = sort_by_key(queries, parts_[part].chunk, radius_);
    for (std::uint32_t key = 0; key + 1 < sorted.begins.size(); ++key) {
      const std::size_t begin = sorted.begins[key];
      const std::size_t count = sorted.begins[key + 1] - begin;
      if (count > 0) {
        const auto of_key = [&](const auto& values) {
          return std::span(values).subspan(values.empty() ? 0 : begin, values.empty() ? 0 : count);
        };
        search.compare(
            part,
            key,
            {of_key(sorted.positions), of_key(sorted.prints32), of_key(sorted.prints64)});
      }
    }
  }
  search.finish();
}

void HammingIndex::drop_before(std::uint32_t position) {
  for (Part& part : parts_) {
    for (std::size_t key = 0; key < part.starts.size(); ++key) {
      std::uint32_t& start = part.starts[key];
      while (start < part.hashes.begins[key + 1] && part.hashes.positions[start] < position) {
        ++start;
      }
    }
  }
}

std::size_t HammingIndex::bytes() const {
  std::size_t sum = 0;
  for (const Part& part : parts_) {
    sum += part.hashes.bytes() +
           4 * (part.starts.size() + part.chunk.table.size() + part.chunk.masks.size());
  }
  return sum;
}

}  // namespace marrow
