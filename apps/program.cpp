#include "apps/program.h"

#include <algorithm>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/builtin_commands.h"
#include "apps/cli.h"
#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/text.h"

namespace marrow {

namespace {

std::string program_help(const CommandTable& table) {
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

int report_failure(ErrorCode code, const std::string& sentence, bool json) {
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

std::string memory_sentence() {
  rlimit limit{};
  getrlimit(RLIMIT_DATA, &limit);
  return fmt::format(
      "out of memory: {} were in use at the peak{}; lower the batch or patch size, or --threads",
      format_bytes(peak_rss_bytes()),
      limit.rlim_cur == RLIM_INFINITY ? ""
                                      : " of " + format_bytes(limit.rlim_cur) + " (--max-memory)");
}

int dispatch(const std::vector<std::string>& words, bool& json) {
  CommandTable table;
  add_builtin_commands(table);
  if (words.empty() || words.front() == "--help" || words.front() == "-h" ||
      words.front() == "help") {
    (words.empty() ? std::cerr : std::cout) << program_help(table);
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
    const int code = dispatch({argv + std::min(argc, 1), argv + argc}, json);
    if (!std::cout.flush()) {
      if (reader_is_gone()) {
        return code;  // such as `head`, which has what it wants
      }
      throw Error(ErrorCode::kResources,
                  "standard output could not be written (is its disk full?)");
    }
    return code;
  } catch (const Error& failure) {
    return report_failure(failure.code(), failure.what(), json);
  } catch (const std::bad_alloc&) {
    return report_failure(ErrorCode::kResources, memory_sentence(), json);
  } catch (const std::filesystem::filesystem_error& failure) {
    const bool full = failure.code() == std::errc::no_space_on_device;
    return report_failure(full ? ErrorCode::kResources : ErrorCode::kUnreadable,
                          fmt::format("{}: {}", failure.path1().string(), failure.code().message()),
                          json);
  } catch (const std::exception& failure) {
    const std::string what = first_line_of(failure.what());
    // LibTorch reports an allocation that failed as its own exception.
    if (what.find("can't allocate memory") != std::string::npos) {
      return report_failure(ErrorCode::kResources, memory_sentence(), json);
    }
    return report_failure(
        ErrorCode::kInternal, "internal: " + what + "; please report it with the command", json);
  }
}

}  // namespace marrow
