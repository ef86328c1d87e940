#include "volumes/fingerprints/vector_index.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string_view>

#include <fmt/format.h>
#include <hnswlib/hnswlib.h>

#include "core/error.h"

namespace marrow {

namespace {

void check_index_option(std::string_view name,
                        std::int64_t value,
                        std::int64_t from,
                        std::int64_t to) {
  if (value < from || value > to) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("vector index: expected {} of {} to {}, found {}", name, from, to, value));
  }
}

void check_index_options(const VectorIndexOptions& options) {
  constexpr std::int64_t kMostLinks = 128;
  constexpr std::int64_t kMostCandidates = 10'000;
  check_index_option("links", options.links, 2, kMostLinks);
  check_index_option("ef_construction", options.ef_construction, 1, kMostCandidates);
  check_index_option("ef_search", options.ef_search, 1, kMostCandidates);
}

}  // namespace

struct VectorIndex::Graph {
  Graph(const UnitRows& rows, const VectorIndexOptions& options)
      : dimensions(rows.dimensions),
        count(rows.count()),
        space(static_cast<std::size_t>(rows.dimensions)),
        // The library's memory of no elements is a null pointer, which it takes for a failure.
        links(&space,
              static_cast<std::size_t>(std::max<std::int64_t>(rows.count(), 1)),
              static_cast<std::size_t>(options.links),
              static_cast<std::size_t>(options.ef_construction),
              static_cast<std::size_t>(options.seed)) {
    links.setEf(static_cast<std::size_t>(options.ef_search));
    for (std::int64_t n = 0; n < count; ++n) {
      links.addPoint(rows.row(n).data(), static_cast<std::size_t>(n));
    }
  }

  // Positions are the order of insertion, which is the library's own numbering.
  [[nodiscard]] std::span<const float> row(std::int64_t n) const {
    const char* const data = links.getDataByInternalId(static_cast<hnswlib::tableint>(n));
    return {reinterpret_cast<const float*>(data), static_cast<std::size_t>(dimensions)};
  }

  std::int64_t dimensions, count;
  hnswlib::InnerProductSpace space;
  hnswlib::HierarchicalNSW<float> links;
};

VectorIndex::VectorIndex(const UnitRows& rows, const VectorIndexOptions& options) {
  check_unit_rows("vector index", rows);
  check_index_options(options);
  try {
    graph_ = std::make_unique<Graph>(rows, options);
  } catch (const std::exception& failure) {  // of memory, as std::runtime_error or std::bad_alloc
    throw Error(ErrorCode::kResources,
                fmt::format("vector index: cannot be built of {} vectors: {}; use fewer",
                            rows.count(),
                            failure.what()));
  }
}

VectorIndex::~VectorIndex() = default;
VectorIndex::VectorIndex(VectorIndex&&) noexcept = default;
VectorIndex& VectorIndex::operator=(VectorIndex&&) noexcept = default;

std::int64_t VectorIndex::count() const {
  return graph_->count;
}

std::vector<VectorIndex::Neighbour> VectorIndex::nearest(std::span<const float> query,
                                                         std::int64_t k) const {
  if (k < 1) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("vector index: expected to be asked for 1 neighbour or more, found {}", k));
  }
  if (static_cast<std::int64_t>(query.size()) != graph_->dimensions) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("vector index: expected a query of {} dimensions, found {}",
                            graph_->dimensions,
                            query.size()));
  }
  check_unit_rows("vector index, query", {query, graph_->dimensions});
  std::vector<Neighbour> found;
  const auto add = [&](std::int64_t position) {
    found.push_back({position, unit_cosine(query, graph_->row(position))});
  };
  if (k >= graph_->count) {
    for (std::int64_t n = 0; n < graph_->count; ++n) {
      add(n);
    }
  } else {
    auto nearest = graph_->links.searchKnn(query.data(), static_cast<std::size_t>(k));
    for (; !nearest.empty(); nearest.pop()) {
      add(static_cast<std::int64_t>(nearest.top().second));
    }
  }
  std::sort(found.begin(), found.end(), [](const Neighbour& a, const Neighbour& b) {
    return a.cosine != b.cosine ? a.cosine > b.cosine : a.position < b.position;
  });
  return found;
}

}  // namespace marrow
