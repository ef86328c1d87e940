// The operations on pictures as Pillow does them.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/python_peer.h"
#include "volumes/augment/picture_operations.h"

namespace marrow {
namespace {

class PictureOperationsPeer : public testing_support::PythonPeer {};

constexpr const char* kPillowChanges = R"(
import json
import numpy
from PIL import Image, ImageEnhance, ImageOps
random = numpy.random.default_rng(5)
y, x = numpy.mgrid[0:37, 0:53]
smooth = 110 + 60 * numpy.sin(x / 7) + 40 * numpy.cos(y / 5) + random.normal(0, 8, x.shape)
picture = Image.fromarray(numpy.clip(smooth, 20, 230).astype(numpy.uint8))

def affine(data):
    return picture.transform(picture.size, Image.Transform.AFFINE, data,
                             Image.Resampling.BILINEAR, fillcolor=0)

def solarize_add(add):
    return picture.point([min(255, i + add) if i < 128 else i for i in range(256)])

width, height = picture.size
made = {
    "auto_contrast": [0, ImageOps.autocontrast(picture)],
    "equalize": [0, ImageOps.equalize(picture)],
    "invert": [0, ImageOps.invert(picture)],
    "rotate": [17.5, picture.rotate(17.5, Image.Resampling.BILINEAR, fillcolor=0)],
    "rotate back": [-30, picture.rotate(-30, Image.Resampling.BILINEAR, fillcolor=0)],
    "posterize": [2, ImageOps.posterize(picture, 2)],
    "solarize": [103, ImageOps.solarize(picture, 103)],
    "solarize_add": [66, solarize_add(66)],
    "contrast": [1.54, ImageEnhance.Contrast(picture).enhance(1.54)],
    "contrast less": [0.1, ImageEnhance.Contrast(picture).enhance(0.1)],
    "brightness": [1.54, ImageEnhance.Brightness(picture).enhance(1.54)],
    "brightness less": [0.46, ImageEnhance.Brightness(picture).enhance(0.46)],
    "sharpness": [1.9, ImageEnhance.Sharpness(picture).enhance(1.9)],
    "sharpness less": [0.1, ImageEnhance.Sharpness(picture).enhance(0.1)],
    "shear_x": [0.18, affine((1, 0.18, 0, 0, 1, 0))],
    "shear_y": [-0.3, affine((1, 0, 0, -0.3, 1, 0))],
    "translate_x": [0.27, affine((1, 0, 0.27 * width, 0, 1, 0))],
    "translate_y": [-0.45, affine((1, 0, 0, 0, 1, -0.45 * height))],
}
print(json.dumps({"width": width, "height": height, "grey": numpy.asarray(picture).flatten().tolist(),
                  "made": {name: [value, numpy.asarray(image).flatten().tolist()]
                           for name, (value, image) in made.items()}}))
)";

// Pillow rounds on its way and cuts fractions off at the end: up to one grey level.
constexpr long kExact = 0;
constexpr long kRounded = 1;

struct PeerCase {
  PictureOperation operation;
  long tolerance;
};

TEST_F(PictureOperationsPeer, ChangesPicturesAsPillowDoes) {
  const std::map<std::string, PeerCase> cases{
      {"auto_contrast", {PictureOperation::kAutoContrast, kRounded}},
      {"equalize", {PictureOperation::kEqualize, kExact}},
      {"invert", {PictureOperation::kInvert, kExact}},
      {"rotate", {PictureOperation::kRotate, kRounded}},
      {"rotate back", {PictureOperation::kRotate, kRounded}},
      {"posterize", {PictureOperation::kPosterize, kExact}},
      {"solarize", {PictureOperation::kSolarize, kExact}},
      {"solarize_add", {PictureOperation::kSolarizeAdd, kExact}},
      {"contrast", {PictureOperation::kContrast, kRounded}},
      {"contrast less", {PictureOperation::kContrast, kRounded}},
      {"brightness", {PictureOperation::kBrightness, kRounded}},
      {"brightness less", {PictureOperation::kBrightness, kRounded}},
      {"sharpness", {PictureOperation::kSharpness, kRounded}},
      {"sharpness less", {PictureOperation::kSharpness, kRounded}},
      {"shear_x", {PictureOperation::kShearX, kRounded}},
      {"shear_y", {PictureOperation::kShearY, kRounded}},
      {"translate_x", {PictureOperation::kTranslateX, kRounded}},
      {"translate_y", {PictureOperation::kTranslateY, kRounded}},
  };

  const nlohmann::json answer = run_python(kPillowChanges);

  ASSERT_EQ(answer.at("made").size(), cases.size());
  for (const auto& [name, peer] : cases) {
    auto grey = answer.at("grey").get<std::vector<float>>();
    change_picture(grey,
                   answer.at("width"),
                   answer.at("height"),
                   {peer.operation, answer.at("made").at(name).at(0).get<double>()});
    const auto expected = answer.at("made").at(name).at(1).get<std::vector<long>>();
    ASSERT_EQ(expected.size(), grey.size());
    long worst = 0;
    for (std::size_t at = 0; at < grey.size(); ++at) {
      worst = std::max(worst, std::abs(std::lround(grey[at]) - expected[at]));
    }
    EXPECT_LE(worst, peer.tolerance) << name;
  }
}

}  // namespace
}  // namespace marrow
