#include "core/config/config.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"

namespace marrow {
namespace {

struct ToyOptions {
  static constexpr std::string_view kName = "toy";

  double mask_ratio = 0.75;
  std::int64_t depth = 2;
  std::string norm = "instance";
  bool flip = false;
  std::vector<std::int64_t> patch = {4, 5, 6};
  std::vector<double> window = {-1.5, 2};

  template <class Visit>
  void describe(Visit&& visit) {
    visit("mask_ratio", mask_ratio, Range{0.05, 0.95}, "fraction of patches hidden");
    visit("depth", depth, Range{1, 24}, "blocks");
    visit("norm", norm, OneOf{{"instance", "batch"}}, "norm layer");
    visit("flip", flip, "flips");
    visit("patch", patch, Range{1, 512}, "size");
    visit("window", window, Range{-100.0, 100.0}, "window");
  }
};

struct WordOptions {
  std::vector<std::string> words;

  template <class Visit>
  void describe(Visit&& visit) {
    visit("words", words, "words");
  }
};

std::string refusal(const std::string& yaml) {
  try {
    static_cast<void>(Config::from_text(yaml, "toy.yaml").section("toy").parse<ToyOptions>());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(Config, FillsWhatIsGivenAndKeepsDefaults) {
  const auto options =
      Config::from_text("toy: {name: toy, mask_ratio: 0.5, patch: [1, 2], flip: yes}", "toy.yaml")
          .section("toy")
          .parse<ToyOptions>();
  EXPECT_EQ(options.mask_ratio, 0.5);
  EXPECT_EQ(options.depth, 2);
  EXPECT_TRUE(options.flip);
  EXPECT_EQ(options.patch, (std::vector<std::int64_t>{1, 2}));
}

TEST(Config, AnUnknownKeyNamesFileLineAndTheNearestKey) {
  EXPECT_EQ(refusal("toy:\n  mask_rato: 0.5\n"),
            "toy: there is no key \"mask_rato\" (toy.yaml, line 2); did you mean \"mask_ratio\"?");
}

TEST(Config, AValueOutOfRangeNamesTheRange) {
  EXPECT_EQ(refusal("toy:\n  depth: 3\n  mask_ratio: 1.5\n"),
            "toy.mask_ratio: expected 0.05 to 0.95, found 1.5 (toy.yaml, line 3)");
  EXPECT_EQ(refusal("toy: {patch: [4, 0]}"),
            "toy.patch: expected 1 to 512, found 0 (toy.yaml, line 1)");
}

TEST(Config, AWrongTypeNamesWhatWasExpected) {
  EXPECT_EQ(refusal("toy:\n  depth: deep\n"),
            "toy.depth: expected an integer, found \"deep\" (toy.yaml, line 2)");
  EXPECT_EQ(refusal("toy:\n  depth: 2.5\n"),
            "toy.depth: expected an integer, found \"2.5\" (toy.yaml, line 2)");
  EXPECT_NE(refusal("toy:\n  patch: 4\n").find("a list such as"), std::string::npos);
  EXPECT_NE(refusal("toy:\n  mask_ratio: nan\n"), "");
  EXPECT_NE(refusal("toy: [1]").find("a table"), std::string::npos);
}

TEST(Config, AWrongWordNamesTheAllowedOnes) {
  EXPECT_EQ(refusal("toy:\n  norm: bach\n"),
            "toy.norm: expected instance | batch, found \"bach\" (toy.yaml, line 2); did you mean "
            "\"batch\"?");
}

TEST(Config, RefusesAKeyGivenTwiceAndBrokenYaml) {
  EXPECT_THROW(static_cast<void>(Config::from_text("a: {b: 1, b: 2}", "x.yaml")), Error);
  EXPECT_THROW(static_cast<void>(Config::from_text("a: [1", "x.yaml")), Error);
}

// Found by fuzzing: nine lines of aliases unfold to 400 million values.
TEST(Config, RefusesAnchorsAndAliasesInsteadOfUnfoldingThem) {
  const auto sentence = [](const std::string& yaml) -> std::string {
    try {
      static_cast<void>(Config::from_text(yaml, "x.yaml"));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };

  EXPECT_EQ(sentence("a:\n  b: &x [1]\nc: *x\n"),
            "configuration: anchors (&) and aliases (*) are not read; write the value out "
            "(x.yaml, line 2)");
  EXPECT_NE(sentence("a: &x {b: 1}").find("anchors"), std::string::npos);
  EXPECT_NE(sentence("a: &x 1").find("anchors"), std::string::npos);
  EXPECT_NE(sentence("a: &x").find("anchors"), std::string::npos);
  EXPECT_EQ(sentence("a: \"&x *x\"\n"), "");
}

TEST(Config, ReadsATableOfSixtyThousandKeysAtOnce) {
  std::string yaml;
  for (int i = 0; i < 60000; ++i) {
    yaml += "key" + std::to_string(i) + ": 1\n";
  }

  EXPECT_TRUE(Config::from_text(yaml, "x.yaml").has("key59999"));
}

TEST(Config, OverridesWinAndAreNamedAsTheirSource) {
  Config config = Config::from_text("toy: {depth: 3, mask_ratio: 0.5}", "toy.yaml");
  config.override_with({"toy.depth=7", "toy.window=[-3, 4]"});
  const auto options = config.section("toy").parse<ToyOptions>();
  EXPECT_EQ(options.depth, 7);
  EXPECT_EQ(options.mask_ratio, 0.5);
  EXPECT_EQ(options.window, (std::vector<double>{-3, 4}));

  config.override_with({"toy.depth=99"});
  try {
    static_cast<void>(config.section("toy").parse<ToyOptions>());
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "toy.depth: expected 1 to 24, found 99 (command line, line 1)");
  }
  EXPECT_THROW(config.override_with({"toy.depth"}), Error);
}

TEST(Config, AnotherPartStartsFromItsOwnDefaultsAndWhatTheWordsSay) {
  Config config = Config::from_text(
      "encoder: {name: vit, dimensions: 2, depth: 6, width: 192}\ntrain: {steps: 3}", "mae.yaml");

  // In any order.
  config.override_with({"encoder.drop_path=0.1", "encoder.name=resnet", "encoder.depth=18"});

  const ConfigSection encoder = config.section("encoder");
  EXPECT_EQ(encoder.part_name(""), "resnet");
  EXPECT_TRUE(encoder.has("dimensions"));
  EXPECT_TRUE(encoder.has("drop_path"));
  EXPECT_TRUE(encoder.has("depth"));
  EXPECT_FALSE(encoder.has("width"));
  EXPECT_TRUE(config.section("train").has("steps"));

  // The same part once more keeps its keys.
  config.override_with({"encoder.name=resnet"});
  EXPECT_TRUE(config.section("encoder").has("depth"));
}

TEST(Config, TheResolvedDumpReadsBackToTheSameOptions) {
  ToyOptions options;
  options.mask_ratio = 0.1 + 0.2;
  options.norm = "batch";
  ResolvedConfig resolved;
  resolved.add("toy", "toy", options);

  const auto back =
      Config::from_text(resolved.yaml(), "resolved").section("toy").parse<ToyOptions>();

  EXPECT_EQ(back.mask_ratio, options.mask_ratio);
  EXPECT_EQ(back.norm, "batch");
  EXPECT_EQ(back.patch, options.patch);
  ResolvedConfig again;
  again.add("toy", "toy", back);
  EXPECT_EQ(again.yaml(), resolved.yaml());
}

// Found by fuzzing: line ends were folded to spaces, and a class called "null" was no word.
TEST(Config, TheResolvedDumpKeepsWordsThatYamlWouldTakeForSomethingElse) {
  WordOptions options;
  options.words = {"null", "NULL", "~", "true", "7", "", " a ", "a\nb\r\tc", "\"\\", "\xc3\xa4: #"};
  ResolvedConfig resolved;
  resolved.add("toy", "", options);

  const auto back =
      Config::from_text(resolved.yaml(), "x.yaml").section("toy").parse<WordOptions>();

  EXPECT_EQ(back.words, options.words);
}

TEST(Config, APresetBuildsOnItsBase) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "base.yaml",
                   std::string_view("toy: {depth: 3, mask_ratio: 0.5}\n"));
  write_atomically(folder.path() / "child.yaml",
                   std::string_view("base: base.yaml\ntoy: {depth: 4}\n"));
  const auto options =
      Config::load("child.yaml", {folder.path()}).section("toy").parse<ToyOptions>();
  EXPECT_EQ(options.depth, 4);
  EXPECT_EQ(options.mask_ratio, 0.5);
}

TEST(Config, AMissingPresetNamesTheNearest) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "pretrain" / "spark3d.yaml", std::string_view("toy: {}\n"));
  try {
    static_cast<void>(Config::load("pretrain/spark.yaml", {folder.path()}));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"pretrain/spark3d.yaml\""),
              std::string::npos)
        << error.what();
  }
}

TEST(Config, AnUnknownSectionIsRefused) {
  const Config config = Config::from_text("trian: {steps: 3}", "x.yaml");
  EXPECT_THROW(config.allow_sections({"train", "data"}), Error);
}

}  // namespace
}  // namespace marrow
