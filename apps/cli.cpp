#include "apps/cli.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <poll.h>
#include <sstream>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/builtin_commands.h"
#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/text.h"

namespace marrow {
namespace {

constexpr int kHelpColumn = 27;
constexpr int kNiceLevel = 10;
constexpr std::string_view kCommonHelp =
    "Every command: --work DIR (default ./work)  --json  --progress bar|json|none  --threads N\n"
    "  --seed S (default 17)  --max-memory SIZE (such as 6G)  --nice";

std::string cli_one_line(std::string_view text) {
  std::string line(text.substr(0, text.find('\n')));
  while (!line.empty() && (line.back() == '.' || line.back() == ' ')) {
    line.pop_back();
  }
  return line;
}

void cli_limit_resources(const CommonOptions& options) {
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
std::vector<std::string> cli_take_overrides(const CLI::App& app,
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

// ---- context
// -------------------------------------------------------------------------------------------------------

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

// ---- one command
// ---------------------------------------------------------------------------------------------------

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
std::string cli_named_failure(const std::string& failure, const std::vector<std::string>& words) {
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
    (void)cli_take_overrides(state.app, state.app.remaining(), state.takes_config);
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}; see {} --help",
                            cli_named_failure(cli_one_line(failure.what()), words),
                            state.app.get_name()));
  }
  context.overrides = cli_take_overrides(state.app, state.app.remaining(), state.takes_config);
  if (!state.max_memory.empty()) {
    context.options.max_memory_bytes = parse_byte_count(state.max_memory);
  }
  set_default_progress_style(progress_style(context.options.progress));
  cli_limit_resources(context.options);
  if (state.takes_config) {
    context.config_name = state.preset.empty() ? state.default_preset() : state.preset;
    if (!context.config_name.empty()) {
      context.config = Config::load(context.config_name, preset_folders());
    }
    context.config.override_with(context.overrides);
  }
  context.command_line = "marrow " + state.name;
  for (const std::string& word : words) {
    context.command_line += " " + word;
  }
  MARROW_CHECK(state.body);
  try {
    return state.body(context);
  } catch (...) {
    json = json && !context.answered;  // --json is one object: the failure is then told in words
    throw;
  }
}

// ---- the table
// -----------------------------------------------------------------------------------------------------

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

namespace {

std::string cli_program_help(const CommandTable& table) {
  std::string text =
      "Marrow: from an unlabelled CT/MRI archive to a pretrained encoder, and from a few labels to "
      "a working model.\n"
      "For research use only. Usage: marrow COMMAND [OPTION...]\n\n";
  for (const std::unique_ptr<Command>& command : table.commands()) {
    text += fmt::format("  {:<10} {}\n", command->name(), command->sentence());
  }
  text += fmt::format(
      "\n{}\n\nOne command in full: marrow COMMAND --help\nExample:\n  marrow scan /archive --work "
      "work\n",
      kCommonHelp);
  return text;
}

int cli_report_failure(ErrorCode code, const std::string& sentence, bool json) {
  const bool colour = isatty(STDERR_FILENO) == 1;
  std::cout.flush();
  std::cerr << (colour ? "\033[31merror:\033[0m " : "error: ") << sentence << '\n';
  if (json) {
    const nlohmann::json object = {
        {"error", sentence}, {"code", error_name(code)}, {"exit_code", exit_code(code)}};
    std::cout << object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    std::cout.flush();
  }
  return exit_code(code);
}

std::string cli_memory_sentence() {
  rlimit limit{};
  getrlimit(RLIMIT_DATA, &limit);
  return fmt::format(
      "out of memory: {} were in use at the peak{}; lower the batch or patch size, or --threads",
      format_bytes(peak_rss_bytes()),
      limit.rlim_cur == RLIM_INFINITY ? ""
                                      : " of " + format_bytes(limit.rlim_cur) + " (--max-memory)");
}

int cli_dispatch(const std::vector<std::string>& words, bool& json) {
  CommandTable table;
  add_builtin_commands(table);
  if (words.empty() || words.front() == "--help" || words.front() == "-h" ||
      words.front() == "help") {
    (words.empty() ? std::cerr : std::cout) << cli_program_help(table);
    return words.empty() ? exit_code(ErrorCode::kInvalidArgument) : 0;
  }
  if (words.front() == "--version") {
    std::cout << "marrow " MARROW_VERSION "\n";
    return 0;
  }
  return table.find(words.front()).run({words.begin() + 1, words.end()}, json);
}

// Whether standard output is a pipe that nobody reads any more.
bool reader_is_gone() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  bool json = false;
  try {
    install_interrupt_handlers();
    const int code = cli_dispatch({argv + std::min(argc, 1), argv + argc}, json);
    if (!std::cout.flush()) {
      if (reader_is_gone()) {
        return code;  // such as `head`, which has what it wants
      }
      throw Error(ErrorCode::kResources,
                  "standard output could not be written (is its disk full?)");
    }
    return code;
  } catch (const Error& failure) {
    return cli_report_failure(failure.code(), failure.what(), json);
  } catch (const std::bad_alloc&) {
    return cli_report_failure(ErrorCode::kResources, cli_memory_sentence(), json);
  } catch (const std::filesystem::filesystem_error& failure) {
    const bool full = failure.code() == std::errc::no_space_on_device;
    return cli_report_failure(
        full ? ErrorCode::kResources : ErrorCode::kUnreadable,
        fmt::format("{}: {}", failure.path1().string(), failure.code().message()),
        json);
  } catch (const std::exception& failure) {
    const std::string what = cli_one_line(failure.what());
    // LibTorch reports an allocation that failed as its own exception.
    if (what.find("can't allocate memory") != std::string::npos) {
      return cli_report_failure(ErrorCode::kResources, cli_memory_sentence(), json);
    }
    return cli_report_failure(
        ErrorCode::kInternal, "internal: " + what + "; please report it with the command", json);
  }
}

std::uint64_t parse_byte_count(std::string_view text) {
  const std::string word(trim(text));
  std::istringstream stream(word);
  stream.imbue(std::locale::classic());
  double number = 0;
  std::string unit;
  const bool read = static_cast<bool>(stream >> number);
  stream >> unit;
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char letter) {
    return static_cast<char>(std::toupper(letter));
  });
  std::optional<int> power;
  for (const auto& [prefix, exponent] :
       {std::pair{"", 0}, {"K", 10}, {"M", 20}, {"G", 30}, {"T", 40}}) {
    const std::string base(prefix);
    if (unit == base || unit == base + "B" || (!base.empty() && unit == base + "IB")) {
      power = exponent;
    }
  }
  if (!read || !power || !(number > 0) || number * std::exp2(*power) >= 0x1p62) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected a size such as 512M or 6G, but found \"" + printable(word) + "\"");
  }
  return static_cast<std::uint64_t>(number * std::exp2(*power));
}

}  // namespace marrow
