// What each filter of `marrow reduce` finds of copies that were planted among real scans, and what
// it takes for a copy and is none.
//
//   planted_bench [--encoder RUN] DATA [SLICES [THREADS [FILTER...]]]
//
// RUN: a pretrained run, for the filter `embedding`. // DATA: a folder of CT and MR scans. SLICES:
// how many originals (200). FILTER: of the filters that compare slices only these. Prints tables;
// the same data give the same ones.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "apps/embedding.h"
#include "bench/planted_archive.h"
#include "bench/planted_tables.h"
#include "core/files.h"
#include "models/features/case_features.h"
#include "volumes/preprocess/recipe.h"

namespace marrow {

namespace {

double percent(std::int64_t part, std::size_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(whole, 1));
}

}  // namespace

void print_planted_head(const std::string& what) {
  std::string text = fmt::format("| {} |", what), line = "| --- |";
  for (const PlantedChange change : kPlantedChanges) {
    text += fmt::format(" {} |", planted_name(change));
    line += " ---: |";
  }
  fmt::print("\n{} wrong originals | wrong copies |\n{} ---: | ---: |\n", text, line);
}

void print_planted_row(const std::string& name,
                       const PlantedOutcome& outcome,
                       std::size_t originals) {
  std::string text = "| " + name + " |";
  for (const std::int64_t found : outcome.found) {
    text += fmt::format(" {:.1f} |", percent(found, originals));
  }
  fmt::print("{} {} | {} ({:.2f} %) |\n",
             text,
             outcome.false_originals,
             outcome.false_copies,
             percent(outcome.false_copies, originals * kPlantedChanges.size()));
}

namespace {

// Of the slices of a volume; what could not be embedded ends the program.
std::function<std::vector<float>(const Volume&)> embedding_of(const std::filesystem::path& run) {
  const auto encoder = std::make_shared<TrainedEncoder>(load_encoder(run, false, 17));
  return [encoder, run](const Volume& volume) {
    const PreparedVolume prepared = prepare_volume(volume, encoder->recipe);
    CaseFeatures features = case_features(*encoder->encoder,
                                          {prepared.volume},
                                          prepared.source,
                                          encoder->tile,
                                          FeatureOptions{},
                                          encoder->mode);
    make_unit_rows(features.slices, features.dimensions, run);
    return features.slices;
  };
}

int run_planted_bench(int argc, char** argv) {
  PlantedOptions options;
  if (argc > 2 && std::string_view(argv[1]) == "--encoder") {
    options.embed = embedding_of(argv[2]);
    argc -= 2;
    argv += 2;
  }
  if (argc < 2) {
    std::fputs("usage: planted_bench [--encoder RUN] DATA [SLICES [THREADS [FILTER...]]]\n",
               stderr);
    return 2;
  }
  options.slices = argc > 2 ? std::atoll(argv[2]) : options.slices;
  const std::int64_t threads = argc > 3 ? std::atoll(argv[3]) : 1;
  const std::vector<std::string> filters(argv + std::min(argc, 4), argv + argc);
  const TemporaryFolder folder;
  const PlantedArchive archive = plant_copies(argv[1], folder.path(), options);
  const auto with_slices =
      std::count_if(archive.scans.begin(), archive.scans.end(), [](const PlantedScan& scan) {
        return !scan.chosen.empty();
      });
  const auto in_large =
      std::count_if(archive.slices.begin(), archive.slices.end(), [&](const PlantedSlice& slice) {
        return archive.scans[slice.scan].pixels >= kSmallPicture;
      });
  fmt::print(
      "{} scans, {} slices of {} of them, {} slices of 64 x 64 and more; in % of the originals, "
      "what was left out for its original\n",
      archive.scans.size(),
      archive.slices.size(),
      with_slices,
      in_large);
  print_volume_tables(archive);
  print_control_table(archive, filters);
  print_slice_table(archive, filters, threads);
  return 0;
}

}  // namespace
}  // namespace marrow

int main(int argc, char** argv) {
  try {
    return marrow::run_planted_bench(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "planted_bench: %s\n", error.what());
    return 1;
  }
}
