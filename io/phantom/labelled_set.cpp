#include "io/phantom/labelled_set.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/parallel_jobs.h"
#include "core/progress.h"
#include "core/rng.h"
#include "io/nifti/nifti.h"
#include "io/phantom/anatomy.h"

namespace marrow {
namespace {

// Patient numbers of the labelled set start here, so that no archive patient is among them.
constexpr std::uint64_t kFirstLabelledPatient = 1'000'000;

std::string labelled_name(std::int64_t n) {
  return fmt::format("abdomen_{:03}", n + 1);
}

void labelled_write_case(const std::filesystem::path& folder,
                         const PhantomOptions& options,
                         std::int64_t n) {
  const std::uint64_t patient = kFirstLabelledPatient + static_cast<std::uint64_t>(n);
  const PhantomAnatomy anatomy(options.seed, patient);
  Rng rng(options.seed, "phantom.labelled", {patient});
  const std::vector<PhantomScanner>& scanners = phantom_scanners(options.kind);
  const PhantomScanner& scanner =
      scanners[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(scanners.size())))];
  const double draw = rng.uniform();
  PhantomProtocol protocol;
  protocol.kind = options.kind;
  protocol.sequence = options.kind == PhantomKind::kMr ? "t1"
                      : draw < 0.35                    ? "native"
                      : draw < 0.6                     ? "arterial"
                                                       : "portal";
  protocol.nominal_size = options.size;
  protocol.seed = rng();
  const PhantomImage image = take_phantom_image(anatomy, scanner, protocol);
  write_nifti_int16(folder / "imagesTr" / (labelled_name(n) + "_0000.nii.gz"), image.volume);
  write_nifti(folder / "labelsTr" / (labelled_name(n) + ".nii.gz"), image.labels);
}

}  // namespace

void write_phantom_labelled(const std::filesystem::path& folder,
                            const PhantomOptions& options,
                            Progress& progress) {
  parallel_jobs(options.labelled, options.threads, "writing the phantom", [&](std::int64_t n) {
    labelled_write_case(folder, options, n);
    progress.advance();
  });

  const nlohmann::ordered_json dataset = {
      {"name", fmt::format("Marrow phantom, {}", options.kind == PhantomKind::kCt ? "CT" : "MR")},
      {"description", "Synthetic upper abdomens; no person is shown"},
      {"licence", "Apache-2.0"},
      {"channel_names", {{"0", options.kind == PhantomKind::kCt ? "CT" : "MRI"}}},
      {"labels",
       {{"background", 0},
        {"liver", kLiverLabel},
        {"spleen", kSpleenLabel},
        {"kidneys", kKidneyLabel}}},
      {"numTraining", options.labelled},
      {"file_ending", ".nii.gz"}};
  write_atomically(folder / "dataset.json", dataset.dump(1) + "\n");

  std::vector<std::string> train;
  std::vector<std::string> validation;
  for (std::int64_t n = 0; n < options.labelled; ++n) {
    (n < options.labelled / 2 ? train : validation).push_back(labelled_name(n));
  }
  nlohmann::ordered_json few_shot = nlohmann::ordered_json::object();
  for (std::size_t count = 2; count < train.size(); count *= 2) {
    few_shot[std::to_string(count)] =
        std::vector<std::string>(train.begin(), train.begin() + static_cast<std::ptrdiff_t>(count));
  }
  few_shot[std::to_string(train.size())] = train;
  const nlohmann::ordered_json splits = {
      {"train", train}, {"val", validation}, {"few_shot", few_shot}};
  write_atomically(folder / "splits.json", splits.dump(1) + "\n");
}

}  // namespace marrow
