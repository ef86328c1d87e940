#include "apps/reduce_command.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/ab_command.h"
#include "apps/catalogue_file.h"
#include "apps/cli.h"
#include "apps/embedding_file.h"
#include "apps/reduce_page.h"
#include "apps/reduce_settings.h"
#include "apps/reduction_items.h"
#include "apps/reduction_use.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/shell_word.h"
#include "io/catalogue/catalogue.h"
#include "io/datasets/dataset_reader.h"
#include "io/fingerprint_file.h"
#include "io/image_source.h"
#include "volumes/reduction/reduce_cases.h"
#include "volumes/reduction/redundancy_filter.h"
#include "volumes/reduction/volume_filter.h"

namespace marrow {
namespace {

struct ReduceCommandOptions {
  std::filesystem::path data;
  std::string where;
  std::string subset;
  bool undo = false;
  AbArguments ab;
};

class CacheInWork final : public FingerprintCache {
 public:
  explicit CacheInWork(const std::filesystem::path& work) : file_(work / "fingerprints.db") {}

  [[nodiscard]] std::optional<std::string> find(const std::string& name) override {
    return file_.find(name);
  }

  void keep(const std::string& name, const std::string& bytes) override { file_.keep(name, bytes); }

 private:
  FingerprintFile file_;
};

bool wants_reports(const CommandContext& context, const ReduceOptions& options) {
  return std::any_of(
      options.volume_filters.begin(), options.volume_filters.end(), [&](const std::string& name) {
        return volume_filters().find(name).make(context.config.section(name))->needs().reports;
      });
}

nlohmann::json answer_of(const ReduceResult& result, double seconds) {
  nlohmann::json by_filter = nlohmann::json::object();
  for (const FilterResult& one : result.filters) {
    by_filter[one.name] = {{"series", one.dropped_cases},
                           {"slices", one.dropped_slices},
                           {"threshold", one.threshold}};
  }
  nlohmann::json curve = nlohmann::json::array();
  for (const CurvePoint& point : result.curve) {
    curve.push_back({{"threshold", point.threshold}, {"kept", point.kept}});
  }
  nlohmann::json concepts = nlohmann::json::array();
  for (const ConceptChange& one : result.concepts) {
    concepts.push_back(
        {{"filter", one.filter}, {"name", one.name}, {"before", one.before}, {"after", one.after}});
  }
  nlohmann::json measures = nlohmann::json::array();
  for (const MatchedMeasure& one : result.measures) {
    measures.push_back({{"name", one.name},
                        {"threshold", one.threshold},
                        {"kept", one.kept},
                        {"agreement", one.agreement}});
  }
  return {{"slices", result.slices},
          {"kept", result.kept_slices},
          {"dropped", result.slices - result.kept_slices},
          {"series", result.cases},
          {"series_kept", result.kept_cases},
          {"series_dropped", result.cases - result.kept_cases},
          {"threshold", result.threshold},
          {"by_filter", by_filter},
          {"curve", curve},
          {"measures", measures},
          {"concepts", concepts},
          {"refused", result.issues.size()},
          {"seconds", seconds}};
}

void print_result(const CommandContext& context,
                  const ReduceResult& result,
                  const std::filesystem::path& page,
                  const ReducePageFacts& facts) {
  context.print(fmt::format("{} of {} slices and {} of {} volumes are kept   {}\n",
                            format_count(result.kept_slices),
                            format_count(result.slices),
                            format_count(result.kept_cases),
                            format_count(result.cases),
                            format_duration(facts.seconds)));
  for (const FilterResult& one : result.filters) {
    context.print(fmt::format("  {:<20} {:>8} volumes {:>10} slices left out   {}\n",
                              one.name,
                              format_count(one.dropped_cases),
                              format_count(one.dropped_slices),
                              one.threshold));
  }
  if (!result.curve.empty()) {
    std::string thresholds, kept;
    for (const CurvePoint& point : result.curve) {
      thresholds += fmt::format("{:>10g}", point.threshold);
      kept += fmt::format("{:>10}", format_count(point.kept));
    }
    context.print(
        fmt::format("  {:<18}{}\n  {:<18}{}\n", result.measure, thresholds, "kept", kept));
  }
  for (const MatchedMeasure& one : result.measures) {
    context.print(fmt::format("  as many by {:<20} at {:<8.4g} {:>10} slices, {:.0f} % the same\n",
                              one.name,
                              one.threshold,
                              format_count(one.kept),
                              100 * one.agreement));
  }
  if (!result.issues.empty()) {
    context.print(fmt::format("  {} volumes could not be compared and stay: {}\n",
                              format_count(static_cast<std::int64_t>(result.issues.size())),
                              (context.options.work / "reduce_issues.jsonl").string()));
  }
  context.print(fmt::format(
      "nothing was deleted: {}   take it back: {}\n", page.string(), facts.undo_command));
}

// What takes this decision back, to be typed as it is.
std::string undo_command(const ReduceCommandOptions& options, const CommandContext& context) {
  std::string command = "marrow reduce --undo";
  if (!options.data.empty()) {
    command += " --data " + shell_word(options.data.string());
  }
  return context.options.work == "work"
             ? command
             : command + " --work " + shell_word(context.options.work.string());
}

int undo(const ReduceCommandOptions& options, const CommandContext& context) {
  (void)open_work_catalogue(context);
  Catalogue catalogue(catalogue_path(context), Catalogue::Mode::kWrite);
  const std::string collection =
      options.data.empty() ? "" : collection_of(read_dataset(options.data));
  const std::optional<Reduction> before = catalogue.reduction(collection);
  catalogue.set_reduction(collection, std::nullopt);
  std::int64_t slices = 0;
  if (before) {
    for (const ReducedCase& one : before->cases) {
      slices += static_cast<std::int64_t>(one.dropped.size());
    }
  }
  const auto series = static_cast<std::int64_t>(before ? before->dropped.size() : 0);
  context.answer({{"undone", before.has_value()}, {"series", series}, {"slices", slices}});
  context.print(before ? fmt::format("{} volumes and {} slices are kept again\n",
                                     format_count(series),
                                     format_count(slices))
                       : "there was no reduction to take back\n");
  if (series > 0 && options.data.empty() &&
      std::filesystem::exists(context.options.work / "store")) {
    context.print("next: marrow prepare, where the store was made without these volumes\n");
  }
  return 0;
}

int reduce_run(const ReduceCommandOptions& options, const CommandContext& context) {
  if (options.undo) {
    return undo(options, context);
  }
  if (options.ab.configuration.empty() && !(options.ab.probes.empty() && options.ab.out.empty())) {
    throw Error(ErrorCode::kInvalidArgument,
                "--probe and --out belong to --ab CONFIG, which compares training with and without "
                "the decision; give it, too");
  }
  if (!options.ab.configuration.empty()) {
    AbArguments ab = options.ab;
    ab.data = options.data;
    return compare_training(context, ab);
  }
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::string> sections{"reduce"};
  for (const auto& part : slice_filters().parts()) {
    sections.push_back(part.name);
  }
  for (const auto& part : volume_filters().parts()) {
    sections.push_back(part.name);
  }
  context.config.allow_sections(sections);
  check_filter_sections(context.config);
  const Config config = config_without_foreign_curve(context);
  const auto reduce = config.section("reduce").parse<ReduceOptions>();
  check_reduce(reduce);
  const std::string yaml = resolved_reduction(config, reduce);

  std::string collection;
  std::vector<ReductionItem> items;
  ReducePageFacts facts;
  facts.undo_command = undo_command(options, context);
  if (options.data.empty()) {
    items = archive_items(open_work_catalogue(context),
                          options.where,
                          options.subset,
                          wants_reports(context, reduce));
    facts.subject = fmt::format("Archive of {} usable series", format_count(std::ssize(items)));
    facts.list_command = "marrow list --of dropped";
  } else {
    const Dataset dataset = read_dataset(options.data);
    collection = collection_of(dataset);
    items = dataset_items(dataset);
    facts.subject = fmt::format("Data set of {} cases", format_count(std::ssize(items)));
    facts.list_command = "marrow list --of dropped --where \"collection='" + collection + "'\"";
  }
  const std::filesystem::path& work = context.options.work;
  std::filesystem::create_directories(work);
  const std::unique_ptr<VolumeSource> source = make_image_source();
  std::optional<UnitEmbeddings> vectors, target;
  if (!reduce.vectors.empty()) {
    vectors.emplace(reduce.vectors);
    vectors->attach(items);
  }
  if (!reduce.target.empty()) {
    target.emplace(reduce.target);
    if (vectors) {
      vectors->check_same_encoder(*target);
    }
  }
  ReduceResult result;
  {
    CacheInWork cache(work);
    result = reduce_cases(items,
                          *source,
                          config,
                          cache,
                          work,
                          context.options.threads,
                          target ? target->volumes() : UnitRows{});
  }
  result.reduction.config = yaml;
  const std::filesystem::path page = work / "reduce.html";
  facts.config_yaml = yaml;
  facts.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::string html = reduce_page(context, items, reduce, result, *source, facts);
  {
    Catalogue catalogue(catalogue_path(context), Catalogue::Mode::kWrite);
    catalogue.set_reduction(collection, result.reduction);
  }
  write_atomically(page, html);
  write_issues(work / "reduce_issues.jsonl", result.issues);
  nlohmann::json answer = answer_of(result, facts.seconds);
  answer["page"] = page.string();
  context.answer(answer);
  print_result(context, result, page, facts);
  return result.issues.empty() ? 0 : exit_code(ErrorCode::kPartial);
}

}  // namespace

void add_reduce_command(CommandTable& table) {
  auto options = std::make_shared<ReduceCommandOptions>();
  Command& command = table.add("reduce",
                               "marks redundant slices and series; nothing is deleted",
                               "marrow reduce --config reduce/hash6.yaml dhash.threshold=8");
  command.app()
      .add_option("--data", options->data, "a data set instead of the catalogue")
      ->type_name("DATASET");
  command.app()
      .add_option("--where", options->where, "only series for which this holds (see list)")
      ->type_name("EXPRESSION");
  command.app()
      .add_option("--subset", options->subset, "only series of a saved subset (see list)")
      ->type_name("NAME");
  command.app()
      .add_option(
          "--ab",
          options->ab.configuration,
          "pretrain by this configuration with and without what was decided, and probe both")
      ->type_name("CONFIG");
  command.app()
      .add_option(
          "--probe", options->ab.probes, "with --ab: a data set with classes; may be repeated")
      ->allow_extra_args(false)
      ->type_name("DATASET");
  command.app().add_option("--out", options->ab.out, "with --ab: its folder; else WORK/ab");
  command.app().add_flag("--undo", options->undo, "take the last reduction back");
  command.takes_config("reduce/hash6.yaml");
  command.runs([options](const CommandContext& context) { return reduce_run(*options, context); });
}

}  // namespace marrow
