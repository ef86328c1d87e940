#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/planted_tables.h"
#include "core/config/config.h"
#include "core/parallel_jobs.h"

namespace marrow {

namespace {

// Filters that compare slices; every_n and entropy compare none. The defaults are among the
// thresholds.
struct ComparedFilter {
  const char* name;
  std::vector<double> thresholds;
};

std::vector<ComparedFilter> compared_filters(const PlantedArchive& archive,
                                             const std::vector<std::string>& names) {
  std::vector<ComparedFilter> filters = {
      {"dhash", {2, 4, 6, 8, 10}},
      {"phash", {2, 4, 6, 8, 10}},
      {"ssim", {0.95, 0.9, 0.8, 0.7}},
      {"mutual_information", {2.5, 2, 1.5, 1}},
      {"nmi", {0.6, 0.5, 0.4, 0.3}},
      {"embedding", {0.9999, 0.9995, 0.999, 0.998, 0.995}},
  };
  std::erase_if(filters, [&](const ComparedFilter& filter) {
    const bool seen = !archive.slices.front().original.vector.empty();
    return (!seen && filter.name == std::string("embedding")) ||
           (!names.empty() && std::find(names.begin(), names.end(), filter.name) == names.end());
  });
  return filters;
}

constexpr double kMostFalse = 0.01;
constexpr int kSearchSteps = 20;

double share(std::int64_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(whole, 1));
}

PlantedOutcome try_slices(const PlantedArchive& archive,
                          const SliceFilter& filter,
                          double threshold,
                          std::int64_t threads) {
  const std::size_t originals = archive.slices.size();
  std::array<PlantedOutcome, kPlantedChanges.size()> parts;
  parallel_jobs(std::ssize(parts), threads, "comparing", [&](std::int64_t job) {
    const auto change = static_cast<std::size_t>(job);
    std::vector<SliceFacts> facts;
    for (const PlantedSlice& slice : archive.slices) {
      facts.push_back(slice.original);
    }
    for (const PlantedSlice& slice : archive.slices) {
      facts.push_back(slice.copies[change]);
    }
    const Selection selection = filter.select(facts, threshold);
    for (std::size_t n = 0; n < facts.size(); ++n) {
      const std::size_t by = selection.stands_for[n];
      if (by == n || by == kNoSlice) {
        continue;
      }
      if (n < originals) {
        ++parts[change].false_originals;
      } else {
        ++(by % originals == n % originals ? parts[change].found[change]
                                           : parts[change].false_copies);
      }
    }
  });
  PlantedOutcome all;
  all.false_originals = parts.front().false_originals;
  for (std::size_t change = 0; change < parts.size(); ++change) {
    all.found[change] = parts[change].found[change];
    all.false_copies += parts[change].false_copies;
  }
  return all;
}

// The laxest threshold with at most kMostFalse slices wrong of all, originals and copies.
double laxest(const PlantedArchive& archive, const SliceFilter& filter, std::int64_t threads) {
  const ThresholdScale scale = filter.scale();
  double strict = scale.larger_keeps_more ? scale.high : scale.low;
  double lax = scale.larger_keeps_more ? scale.low : scale.high;
  for (int step = 0; step < kSearchSteps && (!scale.whole || std::abs(lax - strict) > 1); ++step) {
    double middle = 0.5 * (strict + lax);
    middle = scale.whole ? std::floor(middle) : middle;
    const PlantedOutcome outcome = try_slices(archive, filter, middle, threads);
    const double wrong = share(outcome.false_originals + outcome.false_copies,
                               archive.slices.size() * (1 + kPlantedChanges.size()));
    (wrong <= kMostFalse ? strict : lax) = middle;
  }
  return strict;
}

std::unique_ptr<SliceFilter> slice_filter(const char* name) {
  const Config config = Config::from_text("{}", "planted_bench");
  return slice_filters().find(name).make(config.section(name), SelectionRule::kGreedyReference);
}

}  // namespace

void print_control_table(const PlantedArchive& archive, const std::vector<std::string>& filters) {
  fmt::print(
      "\n| originals alone: filter, threshold | left out | for one of the same scan |\n"
      "| --- | ---: | ---: |\n");
  std::vector<SliceFacts> originals;
  for (const PlantedSlice& slice : archive.slices) {
    originals.push_back(slice.original);
  }
  for (const ComparedFilter& compared : compared_filters(archive, filters)) {
    const auto filter = slice_filter(compared.name);
    const Selection selection = filter->select(originals, filter->threshold());
    std::int64_t left_out = 0, same_scan = 0;
    for (std::size_t n = 0; n < originals.size(); ++n) {
      const std::size_t by = selection.stands_for[n];
      left_out += by != n ? 1 : 0;
      same_scan += by != n && archive.slices[by].scan == archive.slices[n].scan ? 1 : 0;
    }
    fmt::print(
        "| `{}` {:g} | {} | {} |\n", compared.name, filter->threshold(), left_out, same_scan);
    std::fflush(stdout);
  }
}

void print_slice_table(const PlantedArchive& archive,
                       const std::vector<std::string>& filters,
                       std::int64_t threads) {
  print_planted_head("slices: filter, threshold");
  for (const ComparedFilter& compared : compared_filters(archive, filters)) {
    const auto filter = slice_filter(compared.name);
    const auto line = [&](double threshold, const std::string& note) {
      const PlantedOutcome outcome = try_slices(archive, *filter, threshold, threads);
      const std::string name = fmt::format("`{}` {:.4g}{}", compared.name, threshold, note);
      print_planted_row(name, outcome, archive.slices.size());
      std::fflush(stdout);
    };
    for (const double threshold : compared.thresholds) {
      line(threshold, threshold == filter->threshold() ? " (default)" : "");
    }
    line(laxest(archive, *filter, threads), " (found: at most 1 % wrong)");
  }
}

}  // namespace marrow
