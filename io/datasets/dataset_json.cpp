#include "io/datasets/dataset_json.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/datasets/dataset_checks.h"

namespace marrow {

nlohmann::json read_json_file(const std::filesystem::path& file) {
  const std::string text = read_text(file);
  if (json_nesting(text) > kMaxJsonNesting) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: expected a description, found values nested more than {} deep; "
                            "repair the file",
                            shown_path(file),
                            kMaxJsonNesting));
  }
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: expected JSON, found a mistake at byte {}; repair the file",
                            shown_path(file),
                            error.byte));
  } catch (const nlohmann::json::exception&) {
    throw Error(
        ErrorCode::kUnreadable,
        shown_path(file) + ": expected JSON, found a number that is too large; repair the file");
  }
}

}  // namespace marrow
