#include "apps/cli.h"

#include <algorithm>
#include <iostream>
#include <sys/resource.h>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/byte_count.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/shell_word.h"
#include "core/text.h"

namespace marrow {

std::string first_line_of(std::string_view text) {
  std::string line(text.substr(0, text.find('\n')));
  while (!line.empty() && (line.back() == '.' || line.back() == ' ')) {
    line.pop_back();
  }
  return line;
}

namespace {

constexpr int kHelpColumn = 27;
constexpr int kNiceLevel = 10;

void limit_resources(const CommonOptions& options) {
  if (options.nice) {
    setpriority(PRIO_PROCESS, 0, kNiceLevel);
  }
  if (options.max_memory_bytes > 0) {
    // RLIMIT_DATA counts private writable memory and not the mapped libraries and stores, which are
    // large but shared.
    const rlimit limit{options.max_memory_bytes, options.max_memory_bytes};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) {
      throw Error(ErrorCode::kResources,
                  "--max-memory: the system did not accept the limit of " +
                      format_bytes(options.max_memory_bytes) +
                      "; leave the option out or name a smaller one");
    }
  }
}

// Words that CLI11 could not place: overrides, or a mistake worth a sentence.
std::vector<std::string> take_overrides(const CLI::App& app,
                                        const std::vector<std::string>& extras,
                                        bool takes_config) {
  std::vector<std::string> overrides;
  for (const std::string& word : extras) {
    if (word.size() > 1 && word.front() == '-') {
      std::vector<std::string> known;
      for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
          known.push_back("--" + name);
        }
      }
      const std::string name = word.substr(0, word.find('='));
      const std::string nearest = nearest_word(name, known);
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("there is no option {}{}; see {} --help",
                              printable(name),
                              nearest.empty() ? "" : "; did you mean " + nearest + "?",
                              app.get_name()));
    }
    if (takes_config && word.find('=') != std::string::npos && word.front() != '=') {
      overrides.push_back(word);
      continue;
    }
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is one word too many{}; see {} --help",
                            printable(word),
                            takes_config ? " (a setting is written key=value)" : "",
                            app.get_name()));
  }
  return overrides;
}

}  // namespace

bool CommandContext::asks_for(std::string_view key) const {
  return std::filesystem::exists(config_name) ||
         std::any_of(overrides.begin(), overrides.end(), [&](const std::string& word) {
           return word.starts_with(key);
         });
}

void CommandContext::answer(const nlohmann::json& object) const {
  if (options.json) {
    answered = true;
    std::cout << object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  }
}

void CommandContext::print(std::string_view text) const {
  if (!options.json) {
    std::cout << text;
  }
}

void CommandContext::say(std::string_view sentence) const {
  std::cerr << sentence << '\n';
}

struct Command::State {
  CLI::App app;
  std::string name;
  std::string sentence;
  std::function<std::string()> default_preset;
  std::string preset;
  std::string max_memory;
  bool takes_config = false;
  CommandContext context;
  Body body;
};

Command::Command(std::string name, std::string sentence, std::string example)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.name = std::move(name);
  state.sentence = std::move(sentence);
  state.app.name("marrow " + state.name);
  state.app.description(state.sentence);
  state.app.footer(fmt::format("{}\n\nExample:\n  {}", kCommonHelp, example));
  state.app.get_formatter()->column_width(kHelpColumn);
  state.app.get_formatter()->label("OPTIONS", "[OPTION...]");
  state.app.allow_extras();
  state.app.set_help_flag("-h,--help", "this page");

  // In one line of the footer instead of seven of the list: the group "" is not shown.
  CommonOptions& options = state.context.options;
  options.threads =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(std::thread::hardware_concurrency()));
  state.app.add_option("--work", options.work)->group("");
  state.app.add_flag("--json", options.json)->group("");
  state.app.add_option("--progress", options.progress)->group("");
  state.app.add_option("--threads", options.threads)->check(CLI::Range(1, 1024))->group("");
  state.app.add_option("--seed", options.seed)->group("");
  state.app.add_option("--max-memory", state.max_memory)->group("");
  state.app.add_flag("--nice", options.nice)->group("");
}

Command::~Command() = default;

CLI::App& Command::app() {
  return state_->app;
}

const std::string& Command::name() const {
  return state_->name;
}

const std::string& Command::sentence() const {
  return state_->sentence;
}

Command& Command::takes_config(std::string default_preset) {
  return takes_config(default_preset, [default_preset] { return default_preset; });
}

Command& Command::takes_config(std::string shown, std::function<std::string()> choose) {
  state_->takes_config = true;
  state_->default_preset = std::move(choose);
  state_->app
      .add_option("--config",
                  state_->preset,
                  "a file, or a preset of the program" +
                      (shown.empty() ? "" : " (default " + shown + ")") +
                      "; settings may follow as key=value")
      ->type_name("PRESET");
  return *this;
}

Command& Command::takes_overwrite() {
  state_->app.add_flag(
      "--overwrite", state_->context.overwrite, "replace what an earlier run wrote");
  return *this;
}

void Command::runs(Body body) {
  state_->body = std::move(body);
}

namespace {

// CLI11 leaves out which option a value out of range was given to.
std::string named_failure(const std::string& failure, const std::vector<std::string>& words) {
  constexpr std::string_view kUnnamed = ": Value ";
  if (failure.rfind(kUnnamed, 0) != 0) {
    return failure;
  }
  const std::string value =
      failure.substr(kUnnamed.size(), failure.find(' ', kUnnamed.size()) - kUnnamed.size());
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i + 1] == value) {
      return words[i] + failure;
    }
  }
  return failure.substr(2);
}

}  // namespace

int Command::run(const std::vector<std::string>& words, bool& json) {
  State& state = *state_;
  CommandContext& context = state.context;
  json = std::find(words.begin(), words.end(), "--json") != words.end();
  try {
    state.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::CallForHelp&) {
    std::cout << state.app.help();
    return 0;
  } catch (const CLI::ParseError& failure) {
    // A mistyped option is the likelier reason for a missing one.
    (void)take_overrides(state.app, state.app.remaining(), state.takes_config);
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}; see {} --help",
                            named_failure(first_line_of(failure.what()), words),
                            state.app.get_name()));
  }
  context.overrides = take_overrides(state.app, state.app.remaining(), state.takes_config);
  if (!state.max_memory.empty()) {
    context.options.max_memory_bytes = parse_byte_count(state.max_memory);
  }
  set_default_progress_style(progress_style(context.options.progress));
  limit_resources(context.options);
  if (state.takes_config) {
    context.config_name = state.preset.empty() ? state.default_preset() : state.preset;
    if (!context.config_name.empty()) {
      context.config = Config::load(context.config_name, preset_folders());
    }
    context.config.override_with(context.overrides);
  }
  context.command_line = "marrow " + state.name;
  for (const std::string& word : words) {
    context.command_line += " " + shell_word(word);
  }
  MARROW_CHECK(state.body);
  try {
    return state.body(context);
  } catch (...) {
    json = json && !context.answered;  // --json is one object: the failure is then told in words
    throw;
  }
}

Command& CommandTable::add(const std::string& name,
                           const std::string& sentence,
                           const std::string& example) {
  return *commands_.emplace_back(std::make_unique<Command>(name, sentence, example));
}

Command& CommandTable::find(std::string_view name) const {
  std::vector<std::string> names;
  for (const std::unique_ptr<Command>& command : commands_) {
    if (command->name() == name) {
      return *command;
    }
    names.push_back(command->name());
  }
  const std::string nearest = nearest_word(name, names);
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("there is no command \"{}\"{}; marrow --help lists them",
                          printable(name),
                          nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
}

}  // namespace marrow
