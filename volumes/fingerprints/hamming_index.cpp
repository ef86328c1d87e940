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
std::vector<std::uint32_t> begins_of(const VoxelVector<std::uint32_t>& keys, int bits) {
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
void sort_by_key(const VoxelVector<std::uint32_t>& keys,
                 std::vector<std::uint32_t>& begins,
                 Place&& place) {
  for (std::size_t n = 0; n < keys.size(); ++n) {
    place(n, begins[keys[n]]++);
  }
  // Every begin has moved to its end, which is the next one's begin.
  std::copy_backward(begins.begin(), begins.end() - 2, begins.end() - 1);
  begins.front() = 0;
}

VoxelVector<std::uint32_t> keys_of(const HammingChunk& chunk, const HashList& hashes) {
  VoxelVector<std::uint32_t> keys(hashes.size());
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
  const VoxelVector<std::uint32_t> keys = keys_of(part.chunk, hashes_);
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
  part.starts.assign(part.begins.begin(), part.begins.end() - 1);
}

// One search. Candidates wait until there are several, so that what memory holds of them comes
// meanwhile.
class HammingIndex::Search {
 public:
  using Visit = std::function<void(std::uint32_t, std::uint32_t, int)>;

  struct Query {
    std::uint32_t number;
    std::uint64_t print;
  };

  // NOLINTNEXTLINE(*-member-init): arrays are left as they come, which each query would pay for
  Search(const HammingIndex& index, HashList queries, int radius, const Visit& visit)
      : index_(index), queries_(queries), radius_(radius), visit_(visit) {}

  // Compares queries that have this key in a part.
  void compare(std::uint32_t number, std::uint32_t key, std::span<const Query> queries) {
    const Part& part = index_.parts_[number];
    const std::vector<std::uint32_t>& masks = part.chunk.masks;
    for (std::size_t n = 0; n < masks.size(); ++n) {
      if (n + kAhead < masks.size()) {
        fetch(part, key ^ masks[n + kAhead]);
      }
      const std::size_t end = part.begins[(key ^ masks[n]) + 1];
      for (std::size_t begin = part.starts[key ^ masks[n]]; begin < end; begin += kPiece) {
        for (const Query& query : queries) {
          match(number, query, begin, std::min(kPiece, end - begin));
        }
      }
    }
  }

  void finish() {
    for (std::size_t n = 0; n < waiting_; ++n) {
      Candidate& candidate = candidates_[n];
      candidate.position = index_.parts_[candidate.part].positions[candidate.place];
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

  void match(std::uint32_t number, const Query& query, std::size_t begin, std::size_t count) {
    const Part& part = index_.parts_[number];
    const std::size_t matches =
        part.prints64.empty()
            ? kernel_.match32(part.prints32.data() + begin,
                              count,
                              folded_hash(query.print),
                              radius_,
                              found_.data())
            : kernel_.match64(
                  part.prints64.data() + begin, count, query.print, radius_, found_.data());
    for (std::size_t n = 0; n < matches; ++n) {
      const std::uint32_t place = static_cast<std::uint32_t>(begin) + found_[n];
      __builtin_prefetch(part.positions.data() + place);
      candidates_[waiting_++] = {query.number, number, place, 0};
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
      if (std::popcount(chunk.key(query, width) ^ chunk.key(hash, width)) <= chunk.radius) {
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
  const Search::Query asked{0, print_of(query.data(), query.size())};
  for (std::uint32_t part = 0; part < parts_.size(); ++part) {
    search.compare(part, parts_[part].chunk.key(query.data(), query.size()), {&asked, 1});
  }
  search.finish();
}

void HammingIndex::for_each_pair(
    HashList queries,
    int radius,
    const std::function<void(std::uint32_t, std::uint32_t, int)>& visit) const {
  check(queries.width(), radius);
  Search search(*this, queries, radius, visit);
  VoxelVector<Search::Query> order(queries.size());
  for (std::uint32_t part = 0; part < parts_.size(); ++part) {
    const HammingChunk& chunk = parts_[part].chunk;
    const VoxelVector<std::uint32_t> keys = keys_of(chunk, queries);
    std::vector<std::uint32_t> begins = begins_of(keys, chunk.bits);
    sort_by_key(keys, begins, [&](std::size_t query, std::size_t place) {
      order[place] = {static_cast<std::uint32_t>(query), print_of(queries[query], queries.width())};
    });
    for (std::uint32_t key = 0; key + 1 < begins.size(); ++key) {
      if (begins[key] < begins[key + 1]) {
        search.compare(
            part, key, std::span(order).subspan(begins[key], begins[key + 1] - begins[key]));
      }
    }
  }
  search.finish();
}

void HammingIndex::drop_before(std::uint32_t position) {
  for (Part& part : parts_) {
    for (std::size_t key = 0; key < part.starts.size(); ++key) {
      std::uint32_t& start = part.starts[key];
      while (start < part.begins[key + 1] && part.positions[start] < position) {
        ++start;
      }
    }
  }
}

std::size_t HammingIndex::bytes() const {
  std::size_t sum = 0;
  for (const Part& part : parts_) {
    sum += 4 * (part.begins.size() + part.starts.size() + part.positions.size() +
                part.prints32.size() + part.chunk.table.size() + part.chunk.masks.size()) +
           8 * part.prints64.size();
  }
  return sum;
}

}  // namespace marrow
