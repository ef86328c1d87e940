#include "volumes/reduction/read_fingerprints.h"

#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/parallel_jobs.h"
#include "core/progress.h"
#include "volumes/preprocess/case_reading.h"
#include "volumes/preprocess/intensity.h"
#include "volumes/reduction/fingerprint_bytes.h"

namespace marrow {

namespace {

// Names what the files hold: other bytes come with another size or time.
std::string cache_name(const Case& one, const PictureOptions& options) {
  std::string text = fmt::format("{} {} {} {}",
                                 static_cast<int>(options.scale),
                                 options.low_hu,
                                 options.high_hu,
                                 modality_name(one.modality));
  for (const ImageRef& image : one.images) {
    text += "\n" + image_files_text(image);
  }
  return sha256_hex(text);
}

class Reading {
 public:
  Reading(std::vector<ReductionItem>& items,
          VolumeSource& source,
          const PictureOptions& options,
          FingerprintCache& cache)
      : items_(items),
        source_(source),
        options_(options),
        cache_(cache),
        issues_(items.size()),
        progress_("reduce",
                  static_cast<std::int64_t>(items.size()),
                  "volumes",
                  default_progress_style()) {}

  void run(std::int64_t threads) {
    parallel_jobs(static_cast<std::int64_t>(items_.size()),
                  threads,
                  "reducing; what was read is kept, and the same command goes on",
                  [this](std::int64_t at) { read_at(static_cast<std::size_t>(at)); });
    progress_.finish();
  }

  [[nodiscard]] std::vector<Issue> issues() const {
    std::vector<Issue> found;
    for (const std::optional<Issue>& issue : issues_) {
      if (issue) {
        found.push_back(*issue);
      }
    }
    return found;
  }

 private:
  void read_at(std::size_t at) {
    try {
      read(items_[at]);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInternal || error.code() == ErrorCode::kInterrupted) {
        throw;
      }
      issues_[at] = issue_of(items_[at].one, error);
    }
    progress_.advance();
  }

  void read(ReductionItem& item) {
    const std::string name = cache_name(item.one, options_);
    std::optional<std::string> known;
    {
      const std::lock_guard lock(reading_);
      known = cache_.find(name);
    }
    std::optional<CaseFingerprint> made = known ? fingerprint_from_bytes(*known) : std::nullopt;
    if (!made) {
      made = make(item.one);
      const std::lock_guard lock(reading_);
      cache_.keep(name, fingerprint_to_bytes(*made));
    }
    if (made->not_finite_share > kMostNotFinite) {
      throw CaseRefusal(ErrorCode::kRefused,
                        "not-finite",
                        fmt::format("{}: {:.1f} % of its voxels are no numbers",
                                    case_name(item.one),
                                    100 * made->not_finite_share),
                        "it stays as it is; prepare refuses it, too");
    }
    item.fingerprint = std::move(*made);
    item.read = true;
  }

  // Slices are those of the first channel; a copy must have the voxels of all.
  CaseFingerprint make(const Case& one) {
    std::optional<CaseFingerprint> first;
    for (const ImageRef& image : one.images) {
      Volume volume;
      {
        const std::lock_guard lock(reading_);
        volume = source_.volume(image);
      }
      CaseFingerprint channel = fingerprint_case(volume, one.modality, options_);
      if (first) {
        first->voxel_digest += "+" + channel.voxel_digest;
      } else {
        first = std::move(channel);
      }
    }
    if (!first) {
      throw CaseRefusal(ErrorCode::kRefused, "no-image", case_name(one) + " names no image", "");
    }
    return std::move(*first);
  }

  std::vector<ReductionItem>& items_;
  VolumeSource& source_;
  const PictureOptions options_;
  FingerprintCache& cache_;
  std::vector<std::optional<Issue>> issues_;
  Progress progress_;
  std::mutex reading_;  // neither source nor cache is thread-safe
};

}  // namespace

std::vector<Issue> read_fingerprints(std::vector<ReductionItem>& items,
                                     VolumeSource& source,
                                     const PictureOptions& options,
                                     FingerprintCache& cache,
                                     std::int64_t threads) {
  Reading reading(items, source, options, cache);
  reading.run(threads);
  return reading.issues();
}

}  // namespace marrow
