#include "clinical/report/report_files.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clinical/evaluation/evaluation.h"
#include "clinical/evaluation/summary.h"
#include "clinical/report/report_page.h"
#include "core/error.h"
#include "core/files.h"
#include "io/nifti/nifti.h"
#include "tests/support/report_support.h"

namespace marrow {
namespace {

using testing::HasSubstr;

class ReportFiles : public testing::Test {
 protected:
  static Geometry grid() {
    return make_geometry({9, 11, 7}, {1.5, 1, 2}, {12, -30, 8}, Eigen::Matrix3d::Identity());
  }

  static Volume image() {
    Volume volume = make_grid<float>(grid());
    for (std::size_t i = 0; i < volume.voxels.size(); ++i) {
      volume.voxels[i] = static_cast<float>(i % 37);
    }
    return volume;
  }

  // A block of class 1 that ends at column `last`.
  static LabelMap labels(std::int64_t last) {
    LabelMap map = make_grid<std::uint16_t>(grid());
    for (std::int64_t k = 2; k < 5; ++k) {
      for (std::int64_t j = 3; j < 8; ++j) {
        for (std::int64_t i = 2; i <= last; ++i) {
          map.at(i, j, k) = 1;
        }
      }
    }
    return map;
  }

  [[nodiscard]] std::filesystem::path run(const std::string& name) const {
    return folder_.path() / name;
  }

  void write_run(const std::string& name, const std::string& task, const std::string& facts) const {
    write_atomically(run(name) / "manifest.json",
                     R"({"manifest_version":1,"program_version":"0.1.0","task":")" + task +
                         R"(","command":"marrow ... --out )" + name +
                         R"(","seed":17,"threads":2,"device":"cpu","compute_mode":"bf16",)" +
                         R"("data_fingerprint":"abc","libraries":{"LibTorch":"2.11.0"},"facts":)" +
                         facts +
                         R"(,"steps":40,"loss":0.381,"seconds":222.4,"peak_rss_mb":1834.2})");
    write_atomically(run(name) / "config.yaml",
                     "method:\n  name: spark\n  normalise_patches: true\n");
    write_atomically(run(name) / "metrics.jsonl",
                     "{\"step\":10,\"loss\":1.0}\n{\"step\":20,\"loss\":0.5}\n"
                     "{\"step\":20,\"validation\":0.6}\n{\"step\":40,\"validation\":0.7}\n");
  }

  // Two cases of two patients; the prediction of each ends at its own column.
  void write_evaluation(const std::string& name, std::int64_t first, std::int64_t second) const {
    const LabelMap reference = labels(6);
    const LabelMap a = labels(first);
    const LabelMap b = labels(second);
    const std::vector<EvaluationCase> cases{{"case_1", "p1", &reference, &a, {}},
                                            {"case_2", "p2", &reference, &b, {}}};
    const Evaluation evaluation = evaluate_cases(cases, {{0, "background"}, {1, "organ"}}, {});
    write_atomically(run(name) / "evaluation" / "summary.json", summary_json(evaluation));
  }

  void write_pictures(const std::string& name) const {
    const std::filesystem::path to = run(name) / "evaluation";
    write_nifti(to / "pictures" / "best-image.nii.gz", image());
    write_nifti(to / "pictures" / "best-reference.nii.gz", labels(6));
    write_nifti(to / "predictions" / "case_1.nii.gz", labels(5));
    write_atomically(to / "pictures.json",
                     R"([{"key":"case_1","rank":"best","dice":0.89,)"
                     R"("image":"evaluation/pictures/best-image.nii.gz",)"
                     R"("reference":"evaluation/pictures/best-reference.nii.gz",)"
                     R"("prediction":"evaluation/predictions/case_1.nii.gz"}])");
  }

  static void write_flow(const std::filesystem::path& folder, const DataFlow& flow) {
    write_atomically(folder / "flow.json", flow_to_json(flow));
  }

  void expect_error(const ReportSources& sources, ErrorCode code, const std::string& words) const {
    try {
      (void)collect_report(sources);
      FAIL() << "expected an Error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }

  TemporaryFolder folder_;
};

TEST_F(ReportFiles, CollectsTheWholeLineOfADemo) {
  write_run("spark", "pretrain", R"({"volumes":"161"})");
  for (const char* what : {"original", "masked", "restored"}) {
    write_nifti(run("spark") / "examples" / (std::string("recon-0-") + what + ".nii.gz"), image());
  }
  write_run(
      "seg", "segment", R"({"dataset":"hippocampus","from":"spark","training_cases":"a,b,c,d"})");
  write_evaluation("seg", 6, 5);
  write_pictures("seg");
  write_run("scratch",
            "segment",
            R"({"dataset":"hippocampus","from":"none","training_cases":"a,b,c,d"})");
  write_evaluation("scratch", 5, 4);
  ReportSources sources;
  sources.run = run("seg");
  sources.pretraining = run("spark");
  sources.scratch = run("scratch");
  write_flow(run("spark"), {"Images", {{"files found", 170, "", {}}}, {}});
  write_flow(run("seg"), {"Cases", {{"cases", 20, "", {}}}, {}});
  write_flow(run("seg") / "evaluation",
             {"Cases", {{"cases", 20, "", {}}, {"scored", 2, "", {}}}, {}});

  const ReportInput input = collect_report(sources);

  EXPECT_EQ(input.title,
            "Segmentation of hippocampus, 4 labelled cases, encoder pretrained on 161 scans");
  EXPECT_EQ(input.kind, ReportKind::kDemo);
  ASSERT_EQ(input.cards.size(), 3U);
  // Columns 2..6 against 2..6 and 2..5: Dice 1 and 2*4/(5+4); from scratch 8/9 and 2*3/(5+3).
  EXPECT_NEAR(input.cards[0].value.value, (1 + 8.0 / 9) / 2, 1e-9);
  EXPECT_NEAR(input.cards[1].value.value, (8.0 / 9 + 0.75) / 2, 1e-9);
  EXPECT_NEAR(input.cards[2].value.value, (1 - 0.75) / 2, 1e-9);
  EXPECT_EQ(input.comparison->pairs.size(), 2U);
  EXPECT_EQ(input.reconstructions.size(), 1U);
  EXPECT_TRUE(input.true_contrast);
  ASSERT_EQ(input.cases.size(), 1U);
  EXPECT_EQ(input.cases[0].rank, "best");
  ASSERT_EQ(input.flows.size(), 2U);
  EXPECT_EQ(input.flows[0].title, "Images");
  EXPECT_EQ(input.flows[1].steps.back().count, 2);
  EXPECT_TRUE(input.flow_gaps.empty());
  ASSERT_EQ(input.learning.size(), 2U);
  EXPECT_NE(find_curve(input.learning[1].curves, "validation_dice"), nullptr);
  EXPECT_FALSE(input.learning[1].compared.empty());
  EXPECT_EQ(input.provenance.size(), 3U);
  EXPECT_EQ(input.provenance[1].seed, "17");
  EXPECT_EQ(input.provenance[1].device, "cpu, bf16");
  EXPECT_EQ(nesting_fault(report_page(input)), "");
}

TEST_F(ReportFiles, ShowsCasesOfAnotherDataSetBesideThoseOfTheRun) {
  write_run("seg", "segment", "{}");
  write_evaluation("seg", 6, 5);
  write_flow(run("seg"), {"Cases of a", {{"cases", 20, "", {}}}, {}});
  write_flow(run("seg") / "evaluation", {"Cases of b", {{"cases", 9, "", {}}}, {}});
  ReportSources sources;
  sources.run = run("seg");

  const ReportInput input = collect_report(sources);

  ASSERT_EQ(input.flows.size(), 2U);
  EXPECT_EQ(input.flows[0].title, "Cases of a");
  EXPECT_EQ(input.flows[1].title, "Cases of b");
}

TEST_F(ReportFiles, CountsThatAnOlderVersionDidNotRecordAreNotMadeUp) {
  write_run("spark", "pretrain", R"({"volumes":"161"})");
  write_run("seg", "segment", R"({"training_cases":"a,b"})");
  write_evaluation("seg", 6, 5);
  ReportSources sources;
  sources.run = run("seg");
  sources.pretraining = run("spark");
  EXPECT_THAT(report_page(collect_report(sources)), testing::Not(HasSubstr("What happened to")));

  write_flow(run("seg"), {"Cases", {{"cases", 20, "", {}}}, {}});
  const ReportInput input = collect_report(sources);

  EXPECT_EQ(input.flows.size(), 1U);
  EXPECT_THAT(
      input.flow_gaps,
      testing::ElementsAre(HasSubstr("pretraining run did not"), HasSubstr("evaluation did not")));
}

TEST_F(ReportFiles, HiddenVoxelsAreKnownWhereTheRunWroteThem) {
  write_run("spark", "pretrain", "{}");
  for (const char* what : {"original", "masked", "restored"}) {
    write_nifti(run("spark") / "examples" / (std::string("recon-0-") + what + ".nii.gz"), image());
    write_nifti(run("spark") / "examples" / (std::string("recon-1-") + what + ".nii.gz"), image());
  }
  write_nifti(run("spark") / "examples" / "recon-0-hidden.nii.gz", labels(6));

  const std::vector<ReconstructionPictures> triplets = read_reconstructions(run("spark"));

  ASSERT_EQ(triplets.size(), 2U);
  EXPECT_TRUE(triplets[0].hidden_known);
  EXPECT_TRUE(std::isnan(triplets[0].masked.at(6, 3, 2)));
  EXPECT_FALSE(std::isnan(triplets[0].masked.at(7, 3, 2)));
  EXPECT_FALSE(triplets[1].hidden_known);
  EXPECT_FALSE(std::isnan(triplets[1].masked.at(6, 3, 2)));
}

TEST_F(ReportFiles, TheGivenDifferenceWins) {
  write_run("seg", "segment", "{}");
  write_evaluation("seg", 6, 5);
  write_run("scratch", "segment", "{}");
  write_evaluation("scratch", 5, 4);
  ReportSources sources;
  sources.run = run("seg");
  sources.scratch = run("scratch");
  sources.difference = Estimate{0.05, 0.01, 0.09};

  const ReportInput input = collect_report(sources);

  EXPECT_DOUBLE_EQ(input.cards[2].value.value, 0.05);
  EXPECT_DOUBLE_EQ(input.cards[2].value.high, 0.09);
}

TEST_F(ReportFiles, APretrainingRunShowsItsTripletsAndNoScores) {
  write_run("spark", "pretrain", R"({"volumes":"161"})");
  for (int n = 0; n < 6; ++n) {
    for (const char* what : {"original", "masked", "restored"}) {
      write_nifti(
          run("spark") / "examples" / ("recon-" + std::to_string(n) + "-" + what + ".nii.gz"),
          image());
    }
  }
  ReportSources sources;
  sources.run = run("spark");

  const ReportInput input = collect_report(sources);

  EXPECT_EQ(input.kind, ReportKind::kPretraining);
  EXPECT_THAT(input.title, HasSubstr("161 unlabelled volumes"));
  EXPECT_EQ(input.reconstructions.size(), 4U);
  EXPECT_FALSE(input.scores.has_value());
  EXPECT_THAT(report_page(input), HasSubstr("Restored by the network"));
}

TEST_F(ReportFiles, ARunThatHasOnlyAManifestStillMakesAPage) {
  write_atomically(run("bare") / "manifest.json", "{}");
  ReportSources sources;
  sources.run = run("bare");

  EXPECT_EQ(nesting_fault(report_page(collect_report(sources))), "");
}

TEST_F(ReportFiles, CtIsShownInAWindowThatAReaderKnows) {
  write_run("seg", "segment", "{}");
  write_evaluation("seg", 6, 5);
  write_pictures("seg");
  write_atomically(run("seg") / "config.yaml",
                   "prepare:\n  modality: ct\n  window_hu: [-1000, 1000]\n");
  ReportSources sources;
  sources.run = run("seg");

  EXPECT_EQ(collect_report(sources).cases[0].window->name, "soft tissue");
}

TEST_F(ReportFiles, AFolderThatIsNoRunIsRefused) {
  ReportSources sources;
  sources.run = folder_.path();

  expect_error(sources, ErrorCode::kNothingFound, "manifest.json");
}

TEST_F(ReportFiles, DamagedFilesAreNamed) {
  write_run("seg", "segment", "{}");
  write_atomically(run("seg") / "evaluation" / "pictures.json", "[{\"key\":");
  ReportSources sources;
  sources.run = run("seg");
  expect_error(sources, ErrorCode::kUnreadable, "pictures.json");

  write_atomically(run("seg") / "evaluation" / "pictures.json", "[{\"key\":\"a\"}]");
  expect_error(sources, ErrorCode::kUnreadable, "\"image\"");

  write_atomically(run("seg") / "evaluation" / "pictures.json", "[]");
  write_atomically(run("seg") / "evaluation" / "summary.json", "{}");
  expect_error(sources, ErrorCode::kUnreadable, "summary.json");

  write_atomically(run("seg") / "manifest.json", "not json");
  expect_error(sources, ErrorCode::kUnreadable, "manifest.json");
}

TEST_F(ReportFiles, PicturesOutsideTheRunAreRefused) {
  write_run("seg", "segment", "{}");
  write_atomically(
      run("seg") / "evaluation" / "pictures.json",
      R"([{"key":"a","image":"../other/image.nii.gz","reference":"r","prediction":"p"}])");
  ReportSources sources;
  sources.run = run("seg");

  expect_error(sources, ErrorCode::kRefused, "pictures.json");
}

}  // namespace
}  // namespace marrow
