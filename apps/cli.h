#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/config/config.h"

namespace CLI {

class App;

}  // namespace CLI

// The command line. A command is one pair apps/<name>_command.h/.cpp with one function, and one
// line in apps/builtin_commands.cpp:
//
//   void add_count_command(CommandTable& table) {
//     auto folder = std::make_shared<std::filesystem::path>();
//     Command& command = table.add("count", "counts the files of a folder", "marrow count /archive
//     --json"); command.app().add_option("FOLDER", *folder, "where to look")->required();
//     command.runs([folder](const CommandContext& context) {
//       const std::int64_t files = count_files(*folder);
//       context.answer({{"files", files}});               // standard output, with --json only
//       context.print(fmt::format("{} files\n", files));  // standard output, without --json only
//       return 0;                                         // or exit_code(ErrorCode::kPartial)
//     });
//   }
//
// Failures are thrown as Error; run_program turns them into one sentence on standard error and the
// exit code.
namespace marrow {

// About CommonOptions, below the help of every command.
inline constexpr std::string_view kCommonHelp =
    "Every command: --work DIR (default ./work)  --json  --progress bar|json|none  --threads N\n"
    "  --seed S (default 17)  --max-memory SIZE (such as 6G)  --nice";

// Options that every command takes.
struct CommonOptions {
  std::filesystem::path work = "work";  // --work
  bool json = false;                    // --json
  std::string progress;                 // --progress, already the default style when the body runs
  std::int64_t threads = 1;             // --threads, all hardware threads by default
  std::uint64_t seed = 17;              // --seed
  std::uint64_t max_memory_bytes =
      0;              // --max-memory, 0: no limit of ours; enforced by the system when set
  bool nice = false;  // --nice
};

// What the body of a command sees.
struct CommandContext {
  CommonOptions options;
  Config config;            // preset and overrides; empty for commands without takes_config
  std::string config_name;  // the preset as named, "" when none was
  std::vector<std::string> overrides;  // key=value words as given
  bool overwrite = false;              // --overwrite; false for commands without takes_overwrite
  std::string command_line;            // as typed, for manifests
  mutable bool answered = false;       // whether the one object has been printed

  // Whether somebody asked for a setting whose key begins so ("prepare.") on the command line, or
  // named a configuration of their own; what a preset of the program says may give way.
  [[nodiscard]] bool asks_for(std::string_view key) const;

  // The one JSON object of --json, on standard output; nothing without --json.
  void answer(const nlohmann::json& object) const;
  // Results in words, on standard output; nothing with --json.
  void print(std::string_view text) const;
  // A sentence for a person, on standard error, with --json too.
  void say(std::string_view sentence) const;
};

class Command {
 public:
  using Body = std::function<int(const CommandContext&)>;

  Command(std::string name, std::string sentence, std::string example);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  // For add_option and add_flag; names must not repeat those of CommonOptions.
  [[nodiscard]] CLI::App& app();

  // Adds --config PRESET and `key=value` words, read into CommandContext::config. `default_preset`
  // may be "" (all defaults).
  Command& takes_config(std::string default_preset);
  // The same where the preset depends on the other arguments: `shown` is what the help says,
  // `choose` is asked once they are known.
  Command& takes_config(std::string shown, std::function<std::string()> choose);
  // Adds --overwrite.
  Command& takes_overwrite();
  // The body returns the exit code. Must be called once.
  void runs(Body body);

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const std::string& sentence() const;

  // Parses the words after the command's name and runs the body. Throws Error{kInvalidArgument} for
  // a wrong command line, otherwise what the body throws. `json` is set as soon as it is known.
  [[nodiscard]] int run(const std::vector<std::string>& words, bool& json);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The first line of what a library says went wrong, without its full stop.
[[nodiscard]] std::string first_line_of(std::string_view text);

class CommandTable {
 public:
  // `sentence` completes "marrow NAME ..."; `example` is one line that a user could type.
  Command& add(const std::string& name, const std::string& sentence, const std::string& example);
  // Throws Error{kInvalidArgument} naming the nearest known command.
  [[nodiscard]] Command& find(std::string_view name) const;

  [[nodiscard]] const std::vector<std::unique_ptr<Command>>& commands() const { return commands_; }

 private:
  std::vector<std::unique_ptr<Command>> commands_;
};

}  // namespace marrow
