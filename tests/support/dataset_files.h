#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>

#include "core/files.h"
#include "io/datasets/dataset_reader.h"
#include "tests/support/nifti_bytes.h"

namespace marrow::testing {

inline constexpr const char* kDatasetDescription =
    R"({"name": "Livers", "channel_names": {"0": "T1", "1": "T2"},
  "labels": {"background": 0, "liver": 1, "tumour": 2}, "numTraining": 2, "file_ending": ".nii.gz"})";

// Data sets of files that nobody opens, in a folder of their own.
class DatasetFiles : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name = "") const {
    return name.empty() ? folder_.path() : folder_.path() / name;
  }

  void touch(const std::string& name) const { write_file(path(name), "x"); }

  // Two cases with two channels each, one test case.
  void make_nnunet() const {
    write_file(path("set/dataset.json"), kDatasetDescription);
    for (const char* name : {"a", "b"}) {
      touch(std::string("set/imagesTr/") + name + "_0000.nii.gz");
      touch(std::string("set/imagesTr/") + name + "_0001.nii.gz");
      touch(std::string("set/labelsTr/") + name + ".nii.gz");
    }
    touch("set/imagesTs/t_0000.nii.gz");
    touch("set/imagesTs/t_0001.nii.gz");
  }

  // `count` single-channel cases c00, c01, ... in MSD style.
  void make_msd(int count) const {
    write_file(path("set/dataset.json"),
               R"({"modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}})");
    for (int i = 0; i < count; ++i) {
      const std::string name = "c" + std::string(i < 10 ? "0" : "") + std::to_string(i);
      touch("set/imagesTr/" + name + ".nii.gz");
      touch("set/labelsTr/" + name + ".nii.gz");
    }
  }

  static std::map<std::string, std::string> splits_of(const Dataset& dataset) {
    std::map<std::string, std::string> splits;
    for (const Case& c : dataset.cases) {
      splits[c.key] = c.split;
    }
    return splits;
  }

  static std::set<std::string> keys_in(const Dataset& dataset, const std::string& split) {
    std::set<std::string> keys;
    for (const Case& c : dataset.cases) {
      if (c.split == split) {
        keys.insert(c.key);
      }
    }
    return keys;
  }

  std::string refusal(ErrorCode code, const std::string& name = "set") const {
    return error_of(code, [&] { (void)read_dataset(path(name)); });
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace marrow::testing
