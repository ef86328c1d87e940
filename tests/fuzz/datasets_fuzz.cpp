// Descriptions of data sets: dataset.json, splits, and CSV lists beside two image files. The first
// byte chooses which.

#include <fstream>

#include "core/files.h"
#include "io/datasets/csv_list.h"
#include "io/datasets/dataset_reader.h"
#include "io/datasets/nnunet_folder.h"
#include "tests/fuzz/fuzz_input.h"

namespace marrow::fuzzing {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

constexpr std::string_view kDescription =
    R"({"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1},)"
    R"( "numTraining": 2, "file_ending": ".nii.gz"})";

// An nnU-Net folder with two labelled cases; its images are never opened.
class DatasetFolder {
 public:
  DatasetFolder() {
    for (const char* folder : {"imagesTr", "labelsTr", "imagesTs"}) {
      fs::create_directory(path() / folder);
    }
    for (const char* name : {"a_1", "b_2"}) {
      put(path() / "imagesTr" / (std::string(name) + "_0000.nii.gz"), "x");
      put(path() / "labelsTr" / (std::string(name) + ".nii.gz"), "x");
    }
    put(path() / "imagesTs" / "c_0000.nii.gz", "x");
    put(path() / "dataset.json", kDescription);
  }

  [[nodiscard]] const fs::path& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

void read_as(unsigned way, std::string_view text) {
  static const DatasetFolder folder;
  const std::string name = way == 0   ? "dataset.json"
                           : way == 1 ? "splits_final.json"
                           : way == 2 ? "splits.json"
                           : way == 3 ? "list.csv"
                                      : "cases.txt";
  put(folder.path() / name, text);
  refusing([&] {
    const Dataset dataset = read_dataset(way == 3 ? folder.path() / name : folder.path());
    if (way == 4) {
      static_cast<void>(select_training_cases(dataset, (folder.path() / name).string()));
      static_cast<void>(select_training_cases(dataset, std::string(text.substr(0, 20))));
    }
  });
  if (way == 0) {
    put(folder.path() / name, kDescription);
  } else {
    fs::remove(folder.path() / name);
  }
}

}  // namespace
}  // namespace marrow::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  marrow::fuzzing::FuzzInput input(data, size);
  const unsigned way = input.take_byte() % 5;
  marrow::fuzzing::read_as(way, input.text());
  return 0;
}
