#include "apps/pretraining.h"

#include <algorithm>
#include <map>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "apps/cli.h"
#include "apps/data_counts.h"
#include "apps/input_contract.h"
#include "apps/parts.h"
#include "apps/reduction_use.h"
#include "apps/run_folder.h"
#include "apps/training_data.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/rng.h"
#include "io/nifti/nifti.h"
#include "models/training/same_run.h"
#include "volumes/loader/loader.h"

namespace marrow {

namespace {

// The grid of a patch [D, H, W] or [H, W]; where it was cut from is not kept.
Geometry picture_grid(const at::Tensor& channel, const Geometry& grid) {
  Geometry geometry = grid;
  geometry.size = {channel.size(-1), channel.size(-2), channel.dim() == 3 ? channel.size(0) : 1};
  geometry.origin.setZero();
  return geometry;
}

Volume picture_volume(const at::Tensor& picture, const Geometry& grid) {
  // [C, D, H, W] or [C, H, W]: the first channel
  const at::Tensor channel = picture[0].contiguous();
  return make_grid<float>(picture_grid(channel, grid),
                          std::vector<float>(channel.const_data_ptr<float>(),
                                             channel.const_data_ptr<float>() + channel.numel()));
}

LabelMap picture_labels(const at::Tensor& hidden, const Geometry& grid) {
  const at::Tensor mask = hidden.contiguous();
  return make_grid<std::uint16_t>(
      picture_grid(mask, grid),
      std::vector<std::uint16_t>(mask.const_data_ptr<bool>(),
                                 mask.const_data_ptr<bool>() + mask.numel()));
}

// A few patches as they were, as the network saw them, what it did not see, and as it restored
// them: examples/recon-N-....nii.gz
void write_reconstructions(SslMethod& method,
                           const Batch& batch,
                           const VolumeStore& store,
                           const RunFolder& run) {
  method.eval();
  const std::vector<Reconstruction> pictures = method.reconstruct(batch);
  for (std::size_t n = 0; n < std::min<std::size_t>(pictures.size(), 4); ++n) {
    const Geometry& grid =
        store.info(std::max<std::int64_t>(0, store.find(batch.keys[n]))).geometry;
    const std::string stem = (run.path() / "examples" / fmt::format("recon-{}-", n)).string();
    write_nifti(stem + "original.nii.gz", picture_volume(pictures[n].original, grid));
    write_nifti(stem + "masked.nii.gz", picture_volume(pictures[n].masked, grid));
    write_nifti(stem + "restored.nii.gz", picture_volume(pictures[n].restored, grid));
    if (pictures[n].hidden.defined()) {
      write_nifti(stem + "hidden.nii.gz", picture_labels(pictures[n].hidden, grid));
    }
  }
}

std::map<std::string, std::string> with_volumes(std::map<std::string, std::string> facts,
                                                std::size_t volumes) {
  facts["volumes"] = std::to_string(volumes);
  return facts;
}

// `marrow prepare` stores nothing that `reduce` left out, so that ignoring it brings nothing back.
void say_what_is_not_stored(const CommandContext& context, const VolumeStore& store) {
  const std::optional<Reduction> decided = decided_reduction(context, "");
  std::int64_t missing = 0;
  if (decided) {
    for (const DroppedCase& one : decided->dropped) {
      missing += store.find(one.key) < 0 ? 1 : 0;
    }
  }
  if (missing > 0) {
    context.say(fmt::format(
        "{} volumes that `reduce` left out are not in the store, which has what was kept when it "
        "was made; to use them, too: marrow reduce --undo, then marrow prepare",
        format_count(missing)));
  }
}

}  // namespace

std::vector<std::int64_t> pretraining_cases(const VolumeStore& store) {
  std::vector<std::int64_t> cases;
  for (std::int64_t index = 0; index < store.size(); ++index) {
    const std::string& split = store.info(index).split;
    if (split != "validation" && split != "test") {
      cases.push_back(index);
    }
  }
  if (cases.empty()) {
    throw Error(ErrorCode::kNothingFound,
                "pretrain: the store holds validation and test cases only, nothing to learn from");
  }
  return cases;
}

Pretrained pretrain(const CommandContext& context, const PretrainArguments& arguments) {
  at::set_num_threads(static_cast<int>(context.options.threads));
  at::manual_seed(derive_seed(context.options.seed, "initial weights", {}));
  context.config.allow_sections(
      {"prepare", "encoder", "method", "data", "sampler", "augment", "train"});
  PartSections parts(context.config);
  const auto recipe_asked = context.config.section("prepare").parse<RecipeOptions>();

  TrainingData data;
  if (!arguments.data.empty()) {
    data = open_dataset(arguments.data,
                        context.options.work,
                        recipe_asked,
                        context.options.seed,
                        context.options.threads);
  } else {
    data.folder = arguments.store.empty() ? context.options.work / "store" : arguments.store;
    data.store = std::make_unique<VolumeStore>(data.folder);
    data.flow = read_flow(data.folder / "flow.json").value_or(DataFlow{});
    const std::string difference = recipe_difference(recipe_asked, data.store->recipe());
    if (!difference.empty() && context.config.has("prepare")) {
      throw Error(ErrorCode::kRefused,
                  "the store in " + data.folder.string() +
                      " was prepared by another recipe than this configuration asks for (" +
                      difference +
                      "); run `marrow prepare` with the same recipe, or change `prepare`");
    }
  }
  ResolvedConfig resolved_recipe;
  resolved_recipe.add("prepare", "", data.store->recipe());

  const std::shared_ptr<Encoder> encoder = parts.encoder("resenc_unet");
  const std::shared_ptr<SslMethod> method = parts.method("spark", encoder);
  const auto data_options = parts.options<DataOptions>("data");
  const auto augment = parts.options<AugmentOptions>("augment");
  const auto train_options = parts.options<TrainOptions>("train");
  SamplerInput input;
  input.store = data.store.get();
  input.cases = pretraining_cases(*data.store);
  std::string fingerprint = data.store->fingerprint();
  std::map<std::string, std::string> reduction_facts;
  std::optional<Reduction> reduction = arguments.reduction;
  if (!reduction && !arguments.ignore_reduction) {
    reduction =
        decided_reduction(context, arguments.data.empty() ? "" : collection_of(data.dataset));
  }
  if (arguments.ignore_reduction && arguments.data.empty()) {
    say_what_is_not_stored(context, *data.store);
  }
  if (reduction) {
    const ReductionUse use = use_reduction(*reduction, encoder->dimensions() == 2, input);
    fingerprint += "+reduced-" + use.digest;
    reduction_facts = {{"reduction", use.digest},
                       {"reduction_left_out", std::to_string(use.dropped_cases)},
                       {"reduction_slices", std::to_string(use.slices)},
                       {"reduction_slices_kept", std::to_string(use.kept_slices)}};
    context.say(fmt::format("reduced: {} volumes left out{}   (--ignore-reduction takes all)",
                            format_count(use.dropped_cases),
                            encoder->dimensions() == 2 ? fmt::format(", {} of {} slices kept",
                                                                     format_count(use.kept_slices),
                                                                     format_count(use.slices))
                                                       : ""));
    if (use.other_plane > 0) {
      context.say(
          fmt::format("all slices of {} volumes are used: they were reduced in another "
                      "plane than slices are cut in, or have changed since",
                      format_count(use.other_plane)));
    }
  }
  input.patch_size = patch_voxels(data_options, encoder->dimensions());
  input.seed = context.options.seed;
  if (data.store->info(input.cases[0]).channels != encoder->input_channels()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("encoder.input_channels is {}, but the data has {} channels",
                            encoder->input_channels(),
                            data.store->info(input.cases[0]).channels));
  }
  const std::unique_ptr<Sampler> sampler =
      parts.sampler(encoder->dimensions() == 2 ? "slice" : "body_patch", input);
  const std::string yaml = resolved_recipe.yaml() + parts.yaml();

  RunFolder run(arguments.out);
  TrainRun train_run;
  train_run.folder = run.path();
  train_run.label = context.config.section("method").part_name("spark");
  train_run.config_yaml = yaml;
  train_run.data_fingerprint = fingerprint;
  train_run.accept_changed_data = arguments.accept_changed_data;
  train_run.seed = context.options.seed;
  check_resumable(train_run);
  run.write_config(yaml);
  run.write_flow(
      pretraining_flow(data.flow, *data.store, static_cast<std::int64_t>(input.cases.size())));
  std::map<std::string, std::string> facts = contract_facts(*data.store, input.cases);
  facts.merge(reduction_facts);
  run.write_manifest(context, "pretrain", fingerprint, facts, nullptr);
  LoaderOptions loader;
  loader.batch_size = train_options.batch_size;
  loader.threads = train_options.loader_threads;
  loader.seed = context.options.seed;
  loader.two_dimensional = encoder->dimensions() == 2;
  loader.views = method->needs().views;
  const std::unique_ptr<BatchSource> batches = make_loader(*data.store, *sampler, augment, loader);
  std::int64_t parameters = 0;
  for (const at::Tensor& parameter : encoder->parameters()) {
    parameters += parameter.numel();
  }
  log::info(fmt::format("{} · {} {}D, {:.2f} M parameters · {} volumes · {} threads · seed {}",
                        train_run.label,
                        context.config.section("encoder").part_name("resenc_unet"),
                        encoder->dimensions(),
                        static_cast<double>(parameters) / 1e6,
                        format_count(static_cast<std::int64_t>(input.cases.size())),
                        context.options.threads,
                        context.options.seed));
  const TrainResult result = train(*method, *batches, train_options, train_run);

  // Pictures of the same patches at every end of training: the first batch, without a thread of its
  // own.
  LoaderOptions picture_loader = loader;
  picture_loader.threads = 0;
  picture_loader.batch_size = std::min<std::int64_t>(4, train_options.batch_size);
  Batch pictures = make_loader(*data.store, *sampler, AugmentOptions{}, picture_loader)->batch(0);
  const at::Device device = resolve_device(train_options.device);
  for (at::Tensor& view : pictures.views) {
    view = with_layout(view.to(device), result.mode);
  }
  write_reconstructions(*method, pictures, *data.store, run);
  export_encoder(run.path(),
                 *encoder,
                 method->head().get(),
                 yaml_section(yaml, "encoder"),
                 data.store->recipe(),
                 fmt::format("Pretrained with {} on {} volumes for {} steps.",
                             train_run.label,
                             input.cases.size(),
                             result.steps));
  run.write_manifest(
      context, "pretrain", fingerprint, with_volumes(facts, input.cases.size()), &result);
  return {result, train_run.label, context.config.section("encoder").part_name("resenc_unet")};
}

}  // namespace marrow
