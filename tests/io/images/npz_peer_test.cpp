// Files of MedMNIST's kind that NumPy wrote.

#include <gtest/gtest.h>

#include "io/datasets/dataset_reader.h"
#include "io/images/npz_file.h"
#include "tests/support/python_peer.h"

namespace marrow {
namespace {

class NpzPeer : public testing_support::PythonPeer {};

constexpr const char* kNumpyWrites = R"(
import json, sys
import numpy
random = numpy.random.RandomState(1)
shape = json.loads(sys.argv[1])
arrays = {}
for part, count in (("train", 5), ("val", 2), ("test", 3)):
    arrays[part + "_images"] = random.randint(0, 256, [count] + shape).astype(numpy.uint8)
    arrays[part + "_labels"] = random.randint(0, 2, [count, int(sys.argv[2])]).astype(sys.argv[3])
numpy.savez("stored.npz", **arrays)
numpy.savez_compressed("deflated.npz", **arrays)
images = numpy.concatenate([arrays[part + "_images"] for part in ("train", "val", "test")])
labels = numpy.concatenate([arrays[part + "_labels"] for part in ("train", "val", "test")])
print(json.dumps({"images": images.reshape(len(images), -1).tolist(), "labels": labels.tolist()}))
)";

TEST_F(NpzPeer, NumpysArraysAreReadItemByItem) {
  for (const auto& [shape, columns, type] : {std::tuple("[6, 7]", "1", "uint8"),
                                             {"[6, 7]", "14", "int64"},
                                             {"[4, 5, 6]", "1", "uint8"}}) {
    const nlohmann::json expected = run_python(kNumpyWrites, {shape, columns, type});
    for (const char* const name : {"stored.npz", "deflated.npz"}) {
      SCOPED_TRACE(std::string(name) + " " + shape);
      NpzFile npz(file(name), std::uint64_t{1} << 24);
      for (std::size_t n = 0; n < 10; ++n) {
        const Volume image = npz.image(static_cast<std::int64_t>(n));
        EXPECT_EQ(std::vector<double>(image.voxels.begin(), image.voxels.end()),
                  expected.at("images").at(n).get<std::vector<double>>());
      }
      const Dataset dataset = read_dataset(file(name));
      ASSERT_EQ(dataset.cases.size(), 10U);
      for (const Case& one : dataset.cases) {
        const auto number = static_cast<std::size_t>(*one.images.front().volume);
        EXPECT_EQ(one.targets, expected.at("labels").at(number).get<std::vector<double>>());
        EXPECT_EQ(one.split, number < 5 ? "train" : number < 7 ? "validation" : "test");
      }
    }
  }
}

}  // namespace
}  // namespace marrow
