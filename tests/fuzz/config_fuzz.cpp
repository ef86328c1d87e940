// Configuration: YAML text, and words of the command line that change it.

#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/text.h"
#include "tests/fuzz/fuzz_input.h"
#include "volumes/preprocess/recipe.h"

namespace marrow::fuzzing {
namespace {

struct FuzzedOptions {
  static constexpr std::string_view kName = "train";

  std::int64_t steps = 5;
  double rate = 0.5;
  bool flag = false;
  std::string word = "a";
  std::vector<std::int64_t> sizes;
  std::vector<std::string> names;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("steps", steps, Range{1, 1000}, "an integer");
    visit("rate", rate, Range{0.0, 1.0}, "a number");
    visit("flag", flag, "a flag");
    visit("word", word, OneOf{{"a", "bcd"}}, "a word");
    visit("sizes", sizes, Range{1, 64}, "integers");
    visit("names", names, "words");
  }
};

// Every line behind a line "---" is a KEY=VALUE of the command line.
void read_config(std::string_view text) {
  const std::size_t words = text.find("\n---\n");
  Config config = Config::from_text(text.substr(0, words), "x.yaml");
  if (words != std::string_view::npos) {
    config.override_with(split_words(text.substr(words + 5), '\n'));
  }
  static_cast<void>(config.section("encoder").part_name("vit"));
  refusing([&] { config.allow_sections({"prepare", "train", "encoder"}); });
  const auto options = config.section("train").parse<FuzzedOptions>();
  ResolvedConfig resolved;
  resolved.add("train", "", options);
  // What was resolved reads back as it is.
  const auto again =
      Config::from_text(resolved.yaml(), "y.yaml").section("train").parse<FuzzedOptions>();
  MARROW_CHECK(again.steps == options.steps && again.rate == options.rate &&
               again.names == options.names && again.sizes == options.sizes);
  static_cast<void>(config.section("prepare").parse<RecipeOptions>());
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  marrow::fuzzing::FuzzInput input(data, size);
  marrow::fuzzing::refusing([&] { marrow::fuzzing::read_config(input.text()); });
  return 0;
}
