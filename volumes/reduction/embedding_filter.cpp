#include "volumes/reduction/embedding_filter.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "volumes/fingerprints/unit_vectors.h"
#include "volumes/fingerprints/vector_index.h"
#include "volumes/reduction/cosine_scan.h"
#include "volumes/reduction/greedy_cosine.h"
#include "volumes/reduction/preferred_copies.h"

namespace marrow {

namespace {

constexpr std::size_t kGraphAbove = 200'000;
constexpr std::size_t kBlock = 2048;

class EmbeddingFilter final : public SliceFilter {
 public:
  EmbeddingFilter(double threshold, SelectionRule rule) : threshold_(threshold), rule_(rule) {}

  [[nodiscard]] SliceNeeds needs() const override { return {.vectors = true}; }

  [[nodiscard]] ThresholdScale scale() const override { return {-1, 1, false, true}; }

  [[nodiscard]] double threshold() const override { return threshold_; }

  [[nodiscard]] Selection select(std::span<const SliceFacts> slices,
                                 double threshold) const override {
    const auto limit = static_cast<float>(threshold);
    if (slices.empty() || rule_ == SelectionRule::kConsecutive) {
      return select_slices(slices.size(), rule_, [&](std::size_t a, std::size_t b) {
        return unit_cosine(slices[a].vector, slices[b].vector) >= limit;
      });
    }
    std::vector<float> rows;
    rows.reserve(slices.size() * slices[0].vector.size());
    for (const SliceFacts& slice : slices) {
      rows.insert(rows.end(), slice.vector.begin(), slice.vector.end());
    }
    return select_greedy_cosine({rows, static_cast<std::int64_t>(slices[0].vector.size())}, limit);
  }

  [[nodiscard]] double measure(const SliceFacts& kept, const SliceFacts& dropped) const override {
    return unit_cosine(kept.vector, dropped.vector);
  }

  [[nodiscard]] std::string measure_text(double measure) const override {
    return fmt::format("cosine {:.4f}", measure);
  }

  [[nodiscard]] std::string measure_name() const override { return "cosine of features"; }

 private:
  double threshold_;
  SelectionRule rule_;
};

// Which volumes are copies by their features.
class AlikeVolumes {
 public:
  AlikeVolumes(const VolumeFilterInput& input, float threshold)
      : copies_(input.items, input.order),
        threshold_(threshold),
        dimensions_(copies_.item(0).vectors.volume.size()) {
    rows_.reserve(copies_.size() * dimensions_);
    for (std::size_t n = 0; n < copies_.size(); ++n) {
      const std::span<const float> vector = copies_.item(n).vectors.volume;
      rows_.insert(rows_.end(), vector.begin(), vector.end());
    }
  }

  // Compares every volume with all that are kept before it, in blocks.
  [[nodiscard]] std::vector<VolumeDrop> exactly() {
    std::vector<float> kept_rows;
    std::vector<std::size_t> kept;
    CosineScanOptions options;
    options.threshold = threshold_;
    for (std::size_t begin = 0; begin < copies_.size(); begin += kBlock) {
      const std::size_t end = std::min(begin + kBlock, copies_.size());
      if (!kept.empty()) {
        for_each_cosine_match(
            rows(begin, end), {kept_rows, width()}, options, [&](const CosinePair& pair) {
              copies_.offer(kept[static_cast<std::size_t>(pair.b)],
                            begin + static_cast<std::size_t>(pair.a));
            });
      }
      std::vector<std::vector<std::size_t>> before(end - begin);
      for_each_cosine_pair(rows(begin, end), options, [&](const CosinePair& pair) {
        before[static_cast<std::size_t>(pair.b)].push_back(begin +
                                                           static_cast<std::size_t>(pair.a));
      });
      for (std::size_t n = begin; n < end; ++n) {
        for (const std::size_t earlier : before[n - begin]) {
          copies_.offer(earlier, n);
        }
        if (copies_.kept(n)) {
          kept.push_back(n);
          const std::span<const float> vector = row(n);
          kept_rows.insert(kept_rows.end(), vector.begin(), vector.end());
        }
      }
    }
    return drops();
  }

  [[nodiscard]] std::vector<VolumeDrop> by_graph(std::int64_t neighbours) {
    const VectorIndex index({rows_, width()});
    for (std::size_t n = 0; n < copies_.size(); ++n) {
      for (const VectorIndex::Neighbour& one : index.nearest(row(n), neighbours + 1)) {
        const auto position = static_cast<std::size_t>(one.position);
        if (position < n && one.cosine >= threshold_) {
          copies_.offer(position, n);
        }
      }
    }
    return drops();
  }

 private:
  [[nodiscard]] std::int64_t width() const { return static_cast<std::int64_t>(dimensions_); }

  [[nodiscard]] UnitRows rows(std::size_t begin, std::size_t end) const {
    return {std::span(rows_).subspan(begin * dimensions_, (end - begin) * dimensions_), width()};
  }

  [[nodiscard]] std::span<const float> row(std::size_t n) const {
    return std::span(rows_).subspan(n * dimensions_, dimensions_);
  }

  [[nodiscard]] std::vector<VolumeDrop> drops() const {
    return copies_.drops([this](std::size_t kept, std::size_t dropped) {
      const double cosine = unit_cosine(row(kept), row(dropped));
      return VolumeDrop{
          0, std::nullopt, cosine, fmt::format("the cosine of their features is {:.4f}", cosine)};
    });
  }

  PreferredCopies copies_;
  const float threshold_;
  const std::size_t dimensions_;
  std::vector<float> rows_;
};

class VolumeEmbeddingFilter final : public VolumeFilter {
 public:
  explicit VolumeEmbeddingFilter(const VolumeEmbeddingOptions& options) : options_(options) {}

  [[nodiscard]] VolumeNeeds needs() const override { return {.vectors = true}; }

  [[nodiscard]] std::vector<VolumeDrop> drops(const VolumeFilterInput& input) const override {
    if (input.order.empty()) {
      return {};
    }
    AlikeVolumes volumes(input, static_cast<float>(options_.threshold));
    const bool graph =
        options_.index == "graph" || (options_.index == "auto" && input.order.size() > kGraphAbove);
    return graph ? volumes.by_graph(options_.neighbours) : volumes.exactly();
  }

  [[nodiscard]] std::string threshold_text() const override {
    return fmt::format("cosine {:g}", options_.threshold);
  }

 private:
  VolumeEmbeddingOptions options_;
};

}  // namespace

std::unique_ptr<SliceFilter> make_embedding(const ConfigSection& options, SelectionRule rule) {
  return std::make_unique<EmbeddingFilter>(options.parse<EmbeddingOptions>().threshold, rule);
}

std::unique_ptr<VolumeFilter> make_volume_embedding(const ConfigSection& options) {
  return std::make_unique<VolumeEmbeddingFilter>(options.parse<VolumeEmbeddingOptions>());
}

}  // namespace marrow
