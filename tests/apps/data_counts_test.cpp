#include "apps/data_counts.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "volumes/store/volume_store.h"

namespace marrow {
namespace {

// A store with cases "a", "b", ... of the given splits; the label map is left out of some.
class DataCounts : public testing::Test {
 protected:
  struct Stored {
    std::string key;
    std::string split;
    bool labelled = true;
    std::vector<double> targets = {};
  };

  [[nodiscard]] VolumeStore store(const std::vector<Stored>& cases) const {
    const Geometry grid =
        make_geometry({9, 8, 7}, {1, 1, 2}, {0, 0, 0}, Eigen::Matrix3d::Identity());
    const std::vector<Volume> channels{make_grid<float>(grid, 1.0F)};
    const LabelMap labels = make_grid<std::uint16_t>(grid, 1);
    VolumeStoreWriter writer(folder_.path(), RecipeOptions{});
    for (const Stored& one : cases) {
      StoredCase info;
      info.key = info.patient = one.key;
      info.split = one.split;
      info.source = grid;
      info.targets = one.targets;
      writer.add(info, channels, one.labelled ? &labels : nullptr);
    }
    writer.finish();
    return VolumeStore(folder_.path());
  }

  static Dataset dataset(const std::vector<std::string>& keys) {
    Dataset set;
    set.name = "organ";
    for (const std::string& key : keys) {
      set.cases.emplace_back();
      set.cases.back().key = key;
    }
    return set;
  }

  static Issue issue(const std::string& reason_code) {
    Issue one;
    one.reason_code = reason_code;
    return one;
  }

  TemporaryFolder folder_;
};

TEST_F(DataCounts, NamesTheReasonOfEveryCaseThatWasNotPrepared) {
  const std::vector<Issue> issues{
      issue("too-large"), issue("geometry-differs"), issue("too-large")};

  const DataFlow flow =
      dataset_flow(dataset({"a", "b", "c", "d"}), store({{"a", "train"}}), issues);

  EXPECT_EQ(flow.steps[0].count, 4);
  EXPECT_EQ(flow.steps[0].losses,
            (std::vector<FlowLoss>{{"too large", 2},
                                   {"image and label map, or channels, on different grids", 1}}));
  EXPECT_EQ(flow.steps[1].count, 1);
}

TEST_F(DataCounts, SaysSoWhereAnOlderStoreKeptNoReason) {
  const DataFlow flow = dataset_flow(dataset({"a", "b", "c"}), store({{"a", "train"}}), {});

  EXPECT_EQ(flow.steps[0].losses,
            (std::vector<FlowLoss>{{"not prepared, for a reason that was not recorded", 2}}));
}

TEST_F(DataCounts, HeldOutVolumesAreNotPretrainedOn) {
  const VolumeStore volumes =
      store({{"a", "train"}, {"b", "validation"}, {"c", "test"}, {"d", "", false}});
  const DataFlow prepared{"", {{"volumes prepared", 4, "", {}}}, {}};

  const DataFlow flow = pretraining_flow(prepared, volumes, 2);

  EXPECT_EQ(flow.steps[0].losses,
            (std::vector<FlowLoss>{{"held out for testing", 1}, {"held out for validation", 1}}));
  EXPECT_EQ(flow.steps[1].count, 2);
}

TEST_F(DataCounts, CountsOfAnotherStateOfTheStoreAreNotUsed) {
  const DataFlow stale{"", {{"files found", 900, "", {}}, {"volumes prepared", 7, "", {}}}, {}};

  const DataFlow flow = pretraining_flow(stale, store({{"a", "train"}}), 1);

  EXPECT_EQ(flow.steps.front(), (FlowStep{"volumes in the store", 1, "", {}}));
}

TEST_F(DataCounts, LabelledCasesPartIntoTrainingAndHeldOutOnes) {
  const VolumeStore cases = store({{"a", "train"},
                                   {"b", "train"},
                                   {"c", "train"},
                                   {"d", "validation"},
                                   {"e", "unlabelled", false}});
  const Dataset set = dataset({"a", "b", "c", "d", "e"});

  const DataFlow flow = finetuning_flow(dataset_flow(set, cases, {}), set, cases, 2, true);

  EXPECT_EQ(flow.title, "Labelled cases of organ");
  EXPECT_EQ(flow.steps[1].losses, (std::vector<FlowLoss>{{"without a label", 1}}));
  ASSERT_EQ(flow.branches.size(), 2U);
  EXPECT_EQ(flow.branches[0].steps[0].count, 3);
  EXPECT_EQ(flow.branches[0].steps[0].losses[0].count, 1);
  EXPECT_EQ(flow.branches[0].steps[1].count, 2);
  EXPECT_EQ(flow.branches[1].steps[0].note, "they also chose the best checkpoint");
}

TEST_F(DataCounts, ACaseWithAClassIsLabelledToo) {
  const VolumeStore cases =
      store({{"a", "train", false, {1}}, {"b", "train", false, {0}}, {"c", "train", false}});
  const Dataset set = dataset({"a", "b", "c"});

  const DataFlow flow = finetuning_flow(dataset_flow(set, cases, {}), set, cases, 2, false);

  EXPECT_EQ(flow.steps[1].losses, (std::vector<FlowLoss>{{"without a label", 1}}));
  EXPECT_EQ(flow.branches[0].steps[0].count, 2);
}

TEST_F(DataCounts, ScoredCasesGoOnFromTheirBranch) {
  const DataFlow prepared{"", {{"cases", 8, "", {}}, {"cases prepared", 8, "", {}}}, {}};
  DataFlow run = prepared;
  run.title = "Labelled cases of organ";
  run.branches = {{"train", {{"trained on", 4, "", {}}}},
                  {"validation", {{"held out", 4, "", {}}}}};

  const DataFlow flow = evaluation_flow(run, prepared, "organ", "validation", 4);

  EXPECT_EQ(flow.title, run.title);
  EXPECT_EQ(flow.branches[0], run.branches[0]);
  EXPECT_EQ(flow.branches[1].steps.back(), (FlowStep{"cases scored", 4, "", {}}));
}

TEST_F(DataCounts, CasesOfAnotherDataSetAreCountedByThemselves) {
  const DataFlow run{"Labelled cases of organ", {{"cases", 8, "", {}}}, {{"test", {}}}};
  const DataFlow prepared{"", {{"cases", 9, "", {}}, {"cases prepared", 9, "", {}}}, {}};

  const DataFlow flow = evaluation_flow(run, prepared, "other", "test", 5);

  EXPECT_EQ(flow.title, "Cases for the scores, from other");
  EXPECT_TRUE(flow.branches.empty());
  EXPECT_EQ(flow.steps[1].losses[0].count, 4);
  EXPECT_EQ(flow.steps[2].count, 5);
}

}  // namespace
}  // namespace marrow
