#include "io/catalogue/shared_scans.h"

#include <map>
#include <vector>

#include <gmock/gmock.h>

#include "core/error.h"

namespace marrow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class SharedScans : public ::testing::Test {
 protected:
  // A series of one patient whose voxels are all `value`, on a grid that begins at `origin`.
  void add(const std::string& patient, float value, double origin = 0) {
    SeriesRecord record;
    record.key = std::to_string(series_.size());
    record.patient = patient;
    record.geometry =
        make_geometry({4, 4, 4}, {1, 1, 1}, {origin, 0, 0}, Eigen::Matrix3d::Identity());
    values_[record.key] = value;
    series_.push_back(record);
  }

  std::map<std::string, std::string> sets() {
    return patients_sharing_scans(series_, [this](const SeriesRecord& record) {
      ++read_;
      if (values_.at(record.key) < 0) {
        throw Error(ErrorCode::kUnreadable, "gone");
      }
      return make_grid<float>(*record.geometry, values_.at(record.key));
    });
  }

  std::vector<SeriesRecord> series_;
  std::map<std::string, float> values_;
  int read_ = 0;
};

TEST_F(SharedScans, MakeOnePatientOfTwoAndOfAChainOfThem) {
  add("c", 1);
  add("b", 1);
  add("b", 2, 50);
  add("a", 2, 50);
  add("d", 3);
  EXPECT_THAT(sets(), ElementsAre(Pair("a", "a"), Pair("b", "a"), Pair("c", "a")));
}

TEST_F(SharedScans, AreNotLookedForWhereNoOtherPatientHasTheGrid) {
  add("a", 1);
  add("a", 1);
  add("b", 1, 7);
  EXPECT_THAT(sets(), IsEmpty());
  EXPECT_EQ(read_, 0);
}

TEST_F(SharedScans, AreNotSeenInWhatCannotBeRead) {
  add("a", -1);
  add("b", 1);
  EXPECT_THAT(sets(), IsEmpty());
}

}  // namespace
}  // namespace marrow
