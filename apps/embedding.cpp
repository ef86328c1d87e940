#include "apps/embedding.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "apps/parts.h"
#include "apps/run_folder.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/rng.h"
#include "core/text.h"
#include "io/fingerprint_file.h"
#include "io/image_source.h"
#include "models/training/trainer.h"
#include "volumes/preprocess/case_reading.h"
#include "volumes/preprocess/channels.h"

namespace marrow {

namespace {

// Names what is kept. The number changes when slices are found or pooled in another way, so that
// what an earlier version kept is not taken.
constexpr const char* kFeatures = "features 2 ";

std::string to_bytes(const CaseFeatures& features) {
  const std::int64_t head[2] = {
      features.dimensions, static_cast<std::int64_t>(features.slices.size()) / features.dimensions};
  std::string bytes(reinterpret_cast<const char*>(head), sizeof head);
  for (const std::vector<float>* values : {&features.volume, &features.slices}) {
    bytes.append(reinterpret_cast<const char*>(values->data()), values->size() * sizeof(float));
  }
  return bytes;
}

std::optional<CaseFeatures> from_bytes(const std::string& bytes, std::int64_t dimensions) {
  std::int64_t head[2] = {0, 0};
  if (bytes.size() < sizeof head) {
    return std::nullopt;
  }
  std::memcpy(head, bytes.data(), sizeof head);
  const std::size_t rows = (bytes.size() - sizeof head) / sizeof(float) /
                           static_cast<std::size_t>(std::max<std::int64_t>(1, dimensions));
  const auto width = static_cast<std::size_t>(dimensions);
  if (head[0] != dimensions || head[1] < 1 || rows != static_cast<std::size_t>(head[1]) + 1 ||
      bytes.size() != sizeof head + rows * width * sizeof(float)) {
    return std::nullopt;
  }
  CaseFeatures features;
  features.dimensions = dimensions;
  features.volume.resize(width);
  features.slices.resize((rows - 1) * width);
  const char* const data = bytes.data() + sizeof head;
  std::memcpy(features.volume.data(), data, width * sizeof(float));
  std::memcpy(
      features.slices.data(), data + width * sizeof(float), features.slices.size() * sizeof(float));
  return features;
}

CaseFeatures features_of(const Case& one,
                         VolumeSource& source,
                         TrainedEncoder& encoder,
                         const FeatureOptions& options,
                         ContractRule rule) {
  std::mutex reading;
  ReadCase read = read_case(one, source, reading);
  const PreparedChannels prepared = prepare_channels(std::move(read.channels), encoder.recipe);
  settle_breach(rule,
                case_name(one),
                contract_breach(encoder.contract, one.modality, prepared.channels[0].geometry));
  return case_features(
      *encoder.encoder, prepared.channels, prepared.source, encoder.tile, options, encoder.mode);
}

std::filesystem::path embed_issues_path(const CommandContext& context) {
  return context.options.work / "embed_issues.jsonl";
}

}  // namespace

TrainedEncoder load_encoder(const std::filesystem::path& run, bool initial, std::uint64_t seed) {
  const RunDescription description = read_run(run);
  TrainedEncoder made;
  made.recipe = description.recipe;
  made.contract = contract_of(description.recipe, description.facts);
  PartSections parts(description.config);
  at::manual_seed(derive_seed(seed, "initial weights", {}));
  made.encoder = parts.encoder("resenc_unet");
  const std::string network = parts.yaml();
  made.tile = parts.options<DataOptions>("data").patch_size;
  std::string weights;
  if (initial) {
    weights = fmt::format("initial {}", seed);
  } else {
    weights = sha256_file(load_exported_encoder(run, *made.encoder));
  }
  made.digest = sha256_hex(network + weights + recipe_digest(made.recipe)).substr(0, 16);
  made.encoder->to(resolve_device("auto"));
  made.encoder->eval();
  return made;
}

Embedded embed_cases(const std::vector<Case>& cases,
                     VolumeSource& source,
                     TrainedEncoder& encoder,
                     const FeatureOptions& options,
                     ContractRule rule,
                     const std::filesystem::path& cache) {
  std::vector<const Case*> order;
  for (const Case& one : cases) {
    order.push_back(&one);
  }
  std::sort(
      order.begin(), order.end(), [](const Case* a, const Case* b) { return a->key < b->key; });
  Embedded made;
  EmbeddingFile& file = made.file;
  file.dimensions = feature_dimensions(*encoder.encoder, options);
  file.encoder = encoder.digest;
  file.recipe_json = recipe_to_json(encoder.recipe);
  file.stages = options.stages;
  file.first_slice.push_back(0);
  FingerprintFile kept(cache);
  Progress progress(
      "embed", static_cast<std::int64_t>(order.size()), "volumes", default_progress_style());
  for (const Case* const one : order) {
    throw_if_interrupted("embedding; what was embedded is kept, and the same command goes on");
    try {
      const std::string images = image_digest(*one);
      const std::string name = kFeatures + encoder.digest + " " + options.stages + " " + images;
      const std::optional<std::string> known = kept.find(name);
      std::optional<CaseFeatures> features =
          known ? from_bytes(*known, file.dimensions) : std::nullopt;
      if (features) {
        ++made.known;
      } else {
        features = features_of(*one, source, encoder, options, rule);
        kept.keep(name, to_bytes(*features));
      }
      file.keys.push_back(one->key);
      file.images.push_back(images);
      file.volumes.insert(file.volumes.end(), features->volume.begin(), features->volume.end());
      file.slices.insert(file.slices.end(), features->slices.begin(), features->slices.end());
      file.first_slice.push_back(static_cast<std::int64_t>(file.slices.size()) / file.dimensions);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInternal || error.code() == ErrorCode::kInterrupted ||
          error.code() == ErrorCode::kResources || order.size() == 1) {
        throw;
      }
      made.issues.push_back(issue_of(*one, error));
    }
    progress.advance();
  }
  progress.finish();
  if (file.keys.empty()) {
    throw Error(ErrorCode::kNothingFound,
                made.issues.empty()
                    ? std::string("embed: there are no volumes to look at")
                    : fmt::format("embed: none of {} volumes could be embedded; the first: {}",
                                  order.size(),
                                  made.issues.front().reason));
  }
  return made;
}

Embedded embed_in_work(const CommandContext& context,
                       const std::vector<Case>& cases,
                       TrainedEncoder& encoder,
                       const FeatureOptions& options,
                       ContractRule rule) {
  const std::filesystem::path& work = context.options.work;
  std::filesystem::create_directories(work);
  const std::unique_ptr<VolumeSource> source = make_image_source();
  Embedded made = embed_cases(cases, *source, encoder, options, rule, work / "features.db");
  write_issues(embed_issues_path(context), made.issues);
  return made;
}

void print_not_embedded(const CommandContext& context, const Embedded& made) {
  if (!made.issues.empty()) {
    context.print(fmt::format("  {} could not be embedded, each with its reason: {}\n",
                              format_count(std::ssize(made.issues)),
                              embed_issues_path(context).string()));
  }
}

void add_encoder_options(Command& command, EncoderArguments& arguments) {
  command.app().add_option("RUN", arguments.run, "a pretrained or fine-tuned run")->required();
  command.app().add_option("--contract", arguments.contract, kContractWords);
  command.app().add_flag("--initial",
                         arguments.initial,
                         "the network before training (weights from --seed), to compare with");
}

}  // namespace marrow
