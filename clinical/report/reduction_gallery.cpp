#include <algorithm>
#include <array>
#include <cstdlib>

#include "clinical/report/picture_panel.h"
#include "clinical/report/reduction_sections.h"

namespace marrow {

namespace {

constexpr std::size_t kMostPairs = 24;
constexpr std::int64_t kLargePixels = 360;
constexpr std::int64_t kSmallPixels = 280;
// One factor for the whole page, so that difference pictures can be compared with each other.
constexpr int kDifferenceGain = 4;

struct PairGroupWords {
  PairGroup group;
  const char* title;
  const char* words;
  bool large;
};

constexpr std::array<PairGroupWords, 3> kPairGroups{{
    {PairGroup::kLeastAlike,
     "Least alike of those dropped",
     "The weakest decisions of this reduction. If you would miss one of the slices on the left, "
     "the threshold is too loose.",
     true},
    {PairGroup::kTypical, "Typical", "Around the middle of all dropped slices.", false},
    {PairGroup::kMostAlike, "Most alike", "The clearest repetitions.", false},
}};

// As it is compared: letters where the input gives them, a scale bar where the spacing is known.
Picture drawn_slice(const ReductionPicture& slice, std::int64_t longest_side, bool marked) {
  const bool spaced = slice.column_mm > 0 && slice.row_mm > 0;
  // On an axial grid in patient coordinates pictures keep their columns and rows.
  Volume volume =
      make_grid<float>(make_geometry({slice.columns, slice.rows, 1},
                                     {spaced ? slice.column_mm : 1, spaced ? slice.row_mm : 1, 1},
                                     {0, 0, 0},
                                     Eigen::Matrix3d::Identity()));
  std::copy(slice.pixels.begin(), slice.pixels.end(), volume.voxels.begin());
  SliceView view;
  view.longest_side = longest_side;
  Picture picture = render_slice(volume, view, {0, 255, ""});
  if (marked) {
    draw_picture_marks(picture,
                       {slice.left,
                        slice.right,
                        slice.top,
                        slice.bottom,
                        spaced ? slice_raster(volume.geometry, view).pixel_mm : 0});
  }
  return picture;
}

struct SliceDifference {
  ReductionPicture picture;
  int largest = 0;  // grey levels of 255
};

SliceDifference slice_difference(const ReductionPicture& a, const ReductionPicture& b) {
  SliceDifference difference{a, 0};
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const int level = std::abs(int{a.pixels[i]} - int{b.pixels[i]});
    difference.largest = std::max(difference.largest, level);
    difference.picture.pixels[i] =
        static_cast<std::uint8_t>(std::min(255, level * kDifferenceGain));
  }
  return difference;
}

std::string slice_name(const ReductionPicture& slice) {
  return "slice " + count_text(slice.slice) + " of series " + slice.series;
}

Html pair_words(const ReductionPair& pair) {
  const auto key = [](const std::string& words) { return html_element("code", html_text(words)); };
  Html words = html_text("Slice " + count_text(pair.dropped.slice) + " of ") +
               key(pair.dropped.series) +
               html_text(" repeats slice " + count_text(pair.kept.slice));
  if (pair.same_volume) {
    words += html_text(" of the same volume.");
  } else {
    words += html_text(" of ") + key(pair.kept.series) + html_text(", another volume.");
  }
  return html_element("p", {{"class", "quiet"}}, words);
}

Html difference_panel(const ReductionPair& pair, std::int64_t longest_side) {
  const ReductionPicture& dropped = pair.dropped;
  if (dropped.columns != pair.kept.columns || dropped.rows != pair.kept.rows) {
    return html_element("p",
                        {{"class", "quiet"}},
                        html_text("No difference picture: the slices have different sizes (" +
                                  count_text(dropped.columns) + " × " + count_text(dropped.rows) +
                                  " and " + count_text(pair.kept.columns) + " × " +
                                  count_text(pair.kept.rows) + " pixels).")) +
           html_code("\n");
  }
  const SliceDifference difference = slice_difference(dropped, pair.kept);
  const std::string words = difference.largest == 0
                                ? "No difference"
                                : "Difference, at most " + count_text(difference.largest) +
                                      (difference.largest == 1 ? " grey level" : " grey levels");
  return picture_panel(
      drawn_slice(difference.picture, longest_side, false),
      words,
      words + ": between dropped " + slice_name(dropped) + " and kept " + slice_name(pair.kept));
}

Html pair_block(const ReductionPair& pair, bool large) {
  const std::int64_t side = large ? kLargePixels : kSmallPixels;
  const std::string measured = ", " + pair.measure;
  const Html panels =
      picture_panel(drawn_slice(pair.dropped, side, true),
                    "Dropped",
                    "Dropped: " + slice_name(pair.dropped) + measured) +
      picture_panel(drawn_slice(pair.kept, side, true),
                    "Kept",
                    "Kept: " + slice_name(pair.kept) + ", which stands for the dropped one") +
      difference_panel(pair, side);
  const Html title =
      html_text(pair.measure) + html_text(" ") + html_element("small", html_text(pair.filter));
  return html_element("div",
                      {{"class", "pair"}},
                      html_element("h4", title) + pair_words(pair) + html_code("\n") +
                          html_element("div", {{"class", "panels three"}}, panels)) +
         html_code("\n");
}

using PairGroupBlocks = std::array<std::vector<Html>, kPairGroups.size()>;

std::size_t shown_pairs(const PairGroupBlocks& blocks, std::size_t limit) {
  std::size_t count = 0;
  for (const std::vector<Html>& group : blocks) {
    count += std::min(group.size(), limit);
  }
  return count;
}

std::size_t shown_bytes(const PairGroupBlocks& blocks, std::size_t limit) {
  std::size_t bytes = 0;
  for (const std::vector<Html>& group : blocks) {
    for (std::size_t i = 0; i < std::min(group.size(), limit); ++i) {
      bytes += group[i].code.size();
    }
  }
  return bytes;
}

}  // namespace

Html reduction_gallery(const ReductionInput& input, std::size_t byte_limit) {
  if (input.gallery.empty()) {
    return {};
  }
  PairGroupBlocks blocks;
  for (std::size_t g = 0; g < kPairGroups.size(); ++g) {
    for (const ReductionPair& pair : input.gallery) {
      if (pair.group == kPairGroups[g].group && blocks[g].size() < kMostPairs) {
        blocks[g].push_back(pair_block(pair, kPairGroups[g].large));
      }
    }
  }
  std::size_t limit = kMostPairs;
  while (limit > 1 &&
         (shown_pairs(blocks, limit) > kMostPairs || shown_bytes(blocks, limit) > byte_limit)) {
    --limit;
  }
  const std::size_t shown = shown_pairs(blocks, limit);
  std::string words =
      "Each dropped slice beside the kept slice that stands for it, in the grey values that the "
      "filter compared. Pairs were chosen by their measure, not by their looks. Differences are "
      "absolute and drawn " +
      std::to_string(kDifferenceGain) + " times as bright: black is equal, white is " +
      std::to_string(256 / kDifferenceGain) + " grey levels of 255 or more.";
  if (shown < input.gallery.size()) {
    words += " Shown: " + count_text(static_cast<std::int64_t>(shown)) + " of " +
             count_text(static_cast<std::int64_t>(input.gallery.size())) +
             " pairs, so that the page stays small.";
  }
  Html content = html_paragraph(words) + html_code("\n");
  for (std::size_t g = 0; g < kPairGroups.size(); ++g) {
    if (blocks[g].empty()) {
      continue;
    }
    Html pairs;
    for (std::size_t i = 0; i < std::min(blocks[g].size(), limit); ++i) {
      pairs += blocks[g][i];
    }
    content += html_element("h3", html_text(kPairGroups[g].title)) + html_code("\n") +
               html_paragraph(kPairGroups[g].words) + html_code("\n") +
               html_element("div",
                            {{"class", kPairGroups[g].large ? "pairs large" : "pairs"}},
                            html_code("\n") + pairs) +
               html_code("\n");
  }
  return content;
}

}  // namespace marrow
