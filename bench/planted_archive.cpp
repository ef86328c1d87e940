#include "bench/planted_archive.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "core/error.h"
#include "io/catalogue/catalogue.h"
#include "io/image_source.h"
#include "io/scan/scan.h"
#include "volumes/fingerprints/lanczos_resize.h"

namespace marrow {

namespace {

// Parts of paths, in lower case, of what is no scan of its own.
constexpr std::array kNotScans = {"labels", "mask", "_seg", "reference"};
// No other unit reaches so far below zero: what says no modality and does is CT.
constexpr float kAirHu = -500;

struct Found {
  std::string name;
  SeriesRecord record;
  std::vector<SeriesRecord> others;  // of the same series
};

bool is_scan(const SeriesRecord& record, const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  const bool wanted = record.modality == Modality::kCt || record.modality == Modality::kMr ||
                      record.modality == Modality::kUnknown;
  return wanted && record.verdict != Verdict::kRefuse && record.volumes == 1 &&
         std::none_of(kNotScans.begin(), kNotScans.end(), [&](const char* word) {
           return lower.find(word) != std::string::npos;
         });
}

std::vector<Found> find_scans(const std::filesystem::path& data,
                              const std::filesystem::path& scratch) {
  Catalogue catalogue(scratch / "catalogue.db", Catalogue::Mode::kWrite);
  const std::vector<std::filesystem::path> roots{data};
  scan(roots, catalogue);
  const auto name_of = [&](const SeriesRecord& record) {
    return std::filesystem::relative(*std::min_element(record.files.begin(), record.files.end()),
                                     data)
        .string();
  };
  // Keys depend on the catalogue's salt, places of files do not.
  const auto earlier = [&](const SeriesRecord& a, const SeriesRecord& b) {
    return std::tuple(name_of(a), a.volume.value_or(0)) <
           std::tuple(name_of(b), b.volume.value_or(0));
  };
  std::vector<SeriesRecord> records = catalogue.series();
  std::sort(records.begin(), records.end(), earlier);
  std::vector<Found> scans;
  std::set<std::string> taken;
  for (const SeriesRecord& record : records) {
    if (!is_scan(record, name_of(record)) || taken.contains(record.key)) {
      continue;
    }
    Found& one = scans.emplace_back(Found{name_of(record), record, {}});
    std::vector<SeriesRecord> series = catalogue.siblings(record);
    std::sort(series.begin(), series.end(), earlier);
    for (SeriesRecord& other : series) {
      if (taken.insert(other.key).second && other.key != record.key &&
          other.verdict != Verdict::kRefuse) {
        one.others.push_back(std::move(other));
      }
    }
  }
  return scans;
}

class Planting {
 public:
  Planting(const std::filesystem::path& scratch, const PlantedOptions& options)
      : scratch_(scratch), options_(options), source_(make_image_source()) {}

  PlantedArchive run(const std::vector<Found>& found) {
    for (const Found& one : found) {
      add_scan(one);
    }
    std::stable_sort(read_.begin(), read_.end(), [](const Read& a, const Read& b) {
      return a.scan.pixels > b.scan.pixels;
    });
    std::int64_t wanted = options_.slices;
    for (Read& read : read_) {
      std::vector<std::size_t>& chosen = read.scan.chosen;
      chosen.resize(std::min<std::size_t>(chosen.size(), static_cast<std::size_t>(wanted)));
      wanted -= std::ssize(chosen);
      count_ += chosen.size();
    }
    archive_.pictures =
        std::make_unique<ComparedPictures>(scratch_, count_ * (1 + kPlantedChanges.size()));
    for (Read& read : read_) {
      std::fprintf(stderr, "planting %s\n", read.scan.name.c_str());
      plant(read);
    }
    return std::move(archive_);
  }

 private:
  struct Read {
    PlantedScan scan;
    ImageRef image;
  };

  ReductionItem item(const std::string& key, const Volume& volume, Modality modality) const {
    ReductionItem made;
    made.one.key = key;
    made.one.modality = modality;
    made.fingerprint = fingerprint_case(volume, modality, {});
    made.read = true;
    return made;
  }

  void add_scan(const Found& found) {
    const SeriesRecord& record = found.record;
    Read read;
    read.image = {record.key, record.files, record.volume};
    read.scan.name = found.name;
    Volume volume;
    try {
      volume = source_->volume(read.image);
    } catch (const Error& error) {
      std::fprintf(stderr, "left out: %s\n", error.what());
      return;
    }
    const bool air = *std::min_element(volume.voxels.begin(), volume.voxels.end()) < kAirHu;
    const Modality modality = record.modality == Modality::kUnknown && air ? Modality::kCt
                              : record.modality == Modality::kUnknown      ? Modality::kMr
                                                                           : record.modality;
    read.scan.original = item("0 " + found.name, volume, modality);
    const CaseFingerprint& print = read.scan.original.fingerprint;
    choose(read, volume);
    if (read.scan.chosen.empty() || !digests_.insert(print.voxel_digest).second) {
      return;
    }
    for (const SeriesRecord& other : found.others) {
      read.scan.stacks.push_back(
          item(fmt::format("1 {} {:03}", found.name, read.scan.stacks.size()),
               source_->volume({other.key, other.files, other.volume}),
               modality));
    }
    read_.push_back(std::move(read));
  }

  // Slices far enough apart, around the middle of the scan.
  void choose(Read& read, const Volume& volume) const {
    const CaseFingerprint& print = read.scan.original.fingerprint;
    std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
    read.scan.pixels = 1;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (static_cast<std::int64_t>(axis) != print.axis) {
        smallest = std::min(smallest, volume.geometry.size[axis]);
        read.scan.pixels *= volume.geometry.size[axis];
      }
    }
    if (smallest < options_.side || print.size() < options_.fewest) {
      return;
    }
    const auto step = static_cast<std::int64_t>(
        std::ceil(options_.apart_mm / volume.geometry.spacing[print.axis]));
    const auto margin =
        static_cast<std::int64_t>(std::ceil(options_.margin * static_cast<double>(print.size())));
    const std::int64_t last = print.size() - 1 - 2 * margin;
    for (std::int64_t n = margin + last % step / 2; n <= margin + last; n += step) {
      if (print.slices[static_cast<std::size_t>(n)].entropy_bits > options_.entropy_bits) {
        read.scan.chosen.push_back(static_cast<std::size_t>(n));
      }
    }
  }

  void plant(Read& read) {
    PlantedScan& scan = read.scan;
    const Volume volume = source_->volume(read.image);
    const Modality modality = scan.original.one.modality;
    const std::size_t first = archive_.slices.size();
    PlantedSlice planted;
    planted.scan = archive_.scans.size();
    planted.copies.resize(kPlantedChanges.size());
    archive_.slices.resize(first + scan.chosen.size(), planted);
    std::vector<std::size_t> places = scan.chosen;
    fill(volume, scan.original, places, first, [](PlantedSlice& slice) -> SliceFacts& {
      return slice.original;
    });
    for (std::size_t c = 0; c < kPlantedChanges.size(); ++c) {
      const PlantedCopy copy = planted_copy(volume,
                                            modality,
                                            kPlantedChanges[c],
                                            options_.amounts,
                                            Rng(options_.seed, scan.name, {c}),
                                            *source_);
      scan.copies.push_back(
          item(fmt::format("2 {} {}", scan.name, planted_name(kPlantedChanges[c])),
               copy.volume,
               modality));
      const CaseFingerprint& before = scan.original.fingerprint;
      const CaseFingerprint& after = scan.copies.back().fingerprint;
      for (std::size_t n = 0; n < places.size(); ++n) {
        places[n] =
            copy.moved ? place_in(before, after, *copy.moved, scan.chosen[n]) : scan.chosen[n];
      }
      fill(copy.volume, scan.copies.back(), places, first, [c](PlantedSlice& slice) -> SliceFacts& {
        return slice.copies[c];
      });
    }
    archive_.scans.push_back(std::move(scan));
  }

  static std::size_t place_in(const CaseFingerprint& before,
                              const CaseFingerprint& after,
                              const std::array<std::int64_t, 3>& moved,
                              std::size_t slice) {
    MARROW_CHECK(before.axis == after.axis);
    const std::int64_t wanted =
        before.slices[slice].source + moved[static_cast<std::size_t>(before.axis)];
    const auto found =
        std::find_if(after.slices.begin(), after.slices.end(), [&](const SliceFingerprint& one) {
          return one.source == wanted;
        });
    MARROW_CHECK(found != after.slices.end());
    return static_cast<std::size_t>(found - after.slices.begin());
  }

  template <class Choose>
  void fill(const Volume& volume,
            const ReductionItem& item,
            const std::vector<std::size_t>& places,
            std::size_t first,
            const Choose& facts_of) {
    if (places.empty()) {
      return;
    }
    const SlicePictures pictures = slice_pictures(volume, item.one.modality, {});
    const LanczosResize resize({pictures.columns, pictures.rows}, {kComparedSide, kComparedSide});
    std::size_t width = 0;
    if (options_.embed) {
      archive_.vectors.push_back(options_.embed(volume));
      width = archive_.vectors.back().size() / item.fingerprint.slices.size();
    }
    for (std::size_t n = 0; n < places.size(); ++n) {
      const SliceFingerprint& print = item.fingerprint.slices.at(places[n]);
      SliceFacts& facts = facts_of(archive_.slices[first + n]);
      facts.difference_hash = print.difference_hash;
      facts.perceptual_hash = print.perceptual_hash;
      facts.entropy_bits = print.entropy_bits;
      if (width > 0) {
        facts.vector = std::span(archive_.vectors.back()).subspan(places[n] * width, width);
      }
      resize.resize(pictures.picture(static_cast<std::int64_t>(places[n])).pixels,
                    archive_.pictures->pixels(drawn_));
      facts.picture = archive_.pictures->picture(drawn_++);
    }
  }

  std::filesystem::path scratch_;
  PlantedOptions options_;
  std::unique_ptr<VolumeSource> source_;
  std::set<std::string> digests_;
  std::vector<Read> read_;
  std::size_t count_ = 0, drawn_ = 0;
  PlantedArchive archive_;
};

}  // namespace

PlantedArchive plant_copies(const std::filesystem::path& data,
                            const std::filesystem::path& scratch,
                            const PlantedOptions& options) {
  return Planting(scratch, options).run(find_scans(data, scratch));
}

}  // namespace marrow
