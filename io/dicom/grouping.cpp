#include "io/dicom/grouping.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "io/dicom/frames.h"
#include "io/dicom/position_split.h"
#include "io/dicom/series_cut.h"
#include "io/dicom/slice_checks.h"
#include "io/dicom/sop_classes.h"
#include "io/dicom/stack_check.h"

namespace marrow {

namespace {

using Headers = std::vector<DicomHeader>;

class SeriesGrouping {
 public:
  SeriesGrouping(Headers headers, const GroupingOptions& options)
      : headers_(std::move(headers)), options_(options) {}

  std::vector<DicomStack> stacks() {
    for (SeriesCluster& cluster : cut_series(std::move(headers_))) {
      remove_copies(cluster, options_.same_pixels);
      add(std::move(cluster));
    }
    refuse_incomplete_files();
    name_differences();
    number_volumes();
    for (std::size_t n = 0; n < stacks_.size(); ++n) {
      stacks_[n].number = static_cast<std::int64_t>(n) + 1;
      stacks_[n].count = static_cast<std::int64_t>(stacks_.size());
      if (stacks_.size() > 1 && stacks_[n].verdict == Verdict::kUse) {
        stacks_[n].verdict = Verdict::kSplit;
        stacks_[n].reason_code = "split";
        stacks_[n].reason = fmt::format("stack {} of {} in this series, told apart by {}",
                                        n + 1,
                                        stacks_.size(),
                                        stacks_[n].told_apart_by);
      }
    }
    return std::move(stacks_);
  }

 private:
  void add(SeriesCluster cluster) {
    const std::optional<DicomRefusal> unusable = first_refusal(cluster.slices);
    if (unusable || cluster.conflict) {
      DicomStack stack = stack_of(std::move(cluster));
      refuse(stack,
             unusable.value_or(DicomRefusal{"conflicting-copies",
                                            "two files carry the same instance UID but not the "
                                            "same picture, and nothing says which is right"}));
      exclude(stack);
      push(std::move(stack), {});
      return;
    }
    StackCheck found = check_stack(cluster.slices);
    if (found.reason_code == "repeated-positions") {
      PositionSplit split = split_by_position(std::move(cluster.slices), options_.same_pixels);
      if (split.volumes.size() > 1) {
        for (std::size_t n = 0; n < split.volumes.size(); ++n) {
          found = check_stack(split.volumes[n]);
          add_checked(
              {std::move(split.volumes[n]), cluster.cut, split.names[n], cluster.duplicates, false},
              std::move(found));
        }
        return;
      }
      cluster.slices = std::move(split.volumes.front());
      cluster.duplicates.insert(
          cluster.duplicates.end(), split.duplicates.begin(), split.duplicates.end());
      found = check_stack(cluster.slices);
    }
    add_parts(std::move(cluster), std::move(found));
  }

  // Some protocols change the step between slices along the body: each part is a volume.
  void add_parts(SeriesCluster cluster, StackCheck found) {
    const std::vector<std::size_t> ends = found.reason_code == "variable-spacing"
                                              ? uniform_parts(found.positions_mm)
                                              : std::vector<std::size_t>();
    if (ends.size() < 2) {
      add_checked(std::move(cluster), std::move(found));
      return;
    }
    std::size_t first = 0;
    for (std::size_t part = 0; part < ends.size(); ++part) {
      SeriesCluster one{{}, cluster.cut, "", {}, false};
      for (std::size_t k = first; k < ends[part]; ++k) {
        one.slices.push_back(cluster.slices[found.order[k]]);
      }
      one.cut_name = fmt::format("part {} of {} with a step of {:.2f} mm",
                                 part + 1,
                                 ends.size(),
                                 found.positions_mm[first + 1] - found.positions_mm[first]);
      if (part == 0) {
        one.duplicates = cluster.duplicates;
      }
      first = ends[part];
      StackCheck of_part = check_stack(one.slices);
      add_checked(std::move(one), std::move(of_part));
    }
  }

  static std::optional<DicomRefusal> first_refusal(const Headers& slices) {
    for (const DicomHeader& slice : slices) {
      if (std::optional<DicomRefusal> refusal = unusable_slice(slice)) {
        return refusal;
      }
    }
    return std::nullopt;
  }

  // `found`: what check_stack says of these slices.
  void add_checked(SeriesCluster cluster, StackCheck found) {
    Headers sorted;
    sorted.reserve(cluster.slices.size());
    for (const std::size_t index : found.order) {
      sorted.push_back(std::move(cluster.slices[index]));
    }
    cluster.slices = std::move(sorted);
    std::vector<std::string> cut = std::move(cluster.cut);
    std::string cut_name = std::move(cluster.cut_name);
    DicomStack stack = stack_of(std::move(cluster));
    stack.geometry = found.geometry;
    stack.positions_mm = std::move(found.positions_mm);
    stack.tolerance = std::move(found.tolerance);
    stack.warnings.insert(stack.warnings.end(), found.warnings.begin(), found.warnings.end());
    stack.told_apart_by = std::move(cut_name);
    if (!found.geometry) {
      refuse(stack, {found.reason_code, found.reason});
    } else if (found.shear_mm) {
      stack.verdict = Verdict::kResample;
      stack.reason_code = found.reason_code;
      stack.reason = found.reason;
    }
    exclude(stack);
    push(std::move(stack), std::move(cut));
  }

  static DicomStack stack_of(SeriesCluster cluster) {
    DicomStack stack;
    stack.slices = std::move(cluster.slices);
    stack.duplicates = std::move(cluster.duplicates);
    if (!stack.duplicates.empty()) {
      stack.warnings.push_back(fmt::format(
          "{} copies of slices were left out; their pixels are the same", stack.duplicates.size()));
    }
    return stack;
  }

  static void refuse(DicomStack& stack, const DicomRefusal& refusal) {
    stack.verdict = Verdict::kRefuse;
    stack.reason_code = refusal.code;
    stack.reason = refusal.sentence;
  }

  // What a series is for comes before what is wrong with it: a localizer is counted as such, not as
  // three stray slices. Only "derived", which most other objects are as well, says less than what
  // they are.
  void exclude(DicomStack& stack) const {
    static const std::set<std::string> kObjects{
        "segmentation-object", "rt-dose", "not-a-volume", "multi-frame", "mosaic"};
    const std::optional<DicomRefusal> excluded = excluded_slice(stack.slices.front());
    if (!excluded || (excluded->code == "derived" && kObjects.contains(stack.reason_code))) {
      return;
    }
    const bool allowed = excluded->code == "derived" || excluded->code == "secondary-capture";
    if (!allowed || !options_.use_derived) {
      refuse(stack, *excluded);
    }
  }

  void push(DicomStack stack, std::vector<std::string> cut) {
    stacks_.push_back(std::move(stack));
    cuts_.push_back(std::move(cut));
  }

  // What is left of a multi-frame object of which some frame has no place may lack a slice at an
  // end or, of a few, between two: nothing in the others tells.
  void refuse_incomplete_files() {
    static const std::set<std::string> kNoPlace{"no-position", "bad-orientation", "no-spacing"};
    std::map<std::filesystem::path, std::string> incomplete;
    for (const DicomStack& stack : stacks_) {
      for (const DicomHeader& slice : stack.slices) {
        const std::optional<DicomRefusal> refusal =
            slice.frame < 0 ? std::nullopt : unusable_slice(slice);
        if (refusal && kNoPlace.contains(refusal->code)) {
          incomplete.emplace(slice.file, refusal->sentence);
        }
      }
    }
    for (DicomStack& stack : stacks_) {
      const auto found =
          std::find_if(stack.slices.begin(), stack.slices.end(), [&](const DicomHeader& slice) {
            return incomplete.contains(slice.file);
          });
      if (stack.verdict != Verdict::kRefuse && found != stack.slices.end()) {
        refuse(stack,
               {kIncompleteObject,
                "another frame of the file cannot be placed, so that slices may be missing here: " +
                    incomplete.at(found->file)});
        stack.geometry.reset();
      }
    }
  }

  void name_differences() {
    for (std::size_t n = 0; stacks_.size() > 1 && n < stacks_.size(); ++n) {
      std::vector<std::string> names;
      for (std::size_t key = 0; key < cuts_[n].size(); ++key) {
        const bool differs =
            std::any_of(cuts_.begin(), cuts_.end(), [&](const std::vector<std::string>& cut) {
              return !cut.empty() && cut[key] != cuts_[n][key];
            });
        if (differs) {
          names.push_back(shown_cut(key, cuts_[n][key]));
        }
      }
      if (!stacks_[n].told_apart_by.empty()) {
        names.push_back(stacks_[n].told_apart_by);
      }
      stacks_[n].told_apart_by =
          names.empty() ? "size, direction or pixel spacing" : join(names, ", ");
    }
  }

  // Stacks whose slices lie in the same files are told apart by their order, which is the same when
  // nothing but these files is grouped. A file of one slice is in one stack only.
  void number_volumes() {
    std::map<std::set<std::filesystem::path>, std::vector<std::size_t>> of_files;
    for (std::size_t n = 0; n < stacks_.size(); ++n) {
      if (stacks_[n].slices.front().frame < 0) {
        continue;
      }
      std::set<std::filesystem::path> files;
      for (const DicomHeader& slice : stacks_[n].slices) {
        files.insert(slice.file);
      }
      of_files[std::move(files)].push_back(n);
    }
    for (const auto& [files, members] : of_files) {
      for (std::size_t volume = 0; members.size() > 1 && volume < members.size(); ++volume) {
        stacks_[members[volume]].volume = static_cast<std::int64_t>(volume);
      }
    }
  }

  Headers headers_;
  const GroupingOptions& options_;
  std::vector<DicomStack> stacks_;
  std::vector<std::vector<std::string>> cuts_;
};

}  // namespace

bool same_pixel_bytes(const DicomHeader& a, const DicomHeader& b) {
  const auto said = [](const DicomHeader& h) {
    return std::tie(h.rows,
                    h.columns,
                    h.samples_per_pixel,
                    h.bits_allocated,
                    h.bits_stored,
                    h.high_bit,
                    h.pixel_representation,
                    h.photometric,
                    h.slope,
                    h.intercept,
                    h.transfer_syntax_uid,
                    h.pixel_bytes);
  };
  if (said(a) != said(b) || a.pixel_offset < 0 || b.pixel_offset < 0) {
    return false;
  }
  const bool tiles = a.traits.contains("tile_rows") || b.traits.contains("tile_rows");
  if ((tiles || a.pixel_bytes < 0) && a.frame != b.frame) {
    return false;
  }
  const MappedFile map_a(a.file);
  const MappedFile map_b(b.file);
  const auto pixels = [tiles](const MappedFile& map, const DicomHeader& header) {
    // The pixels of a deflated file have no place of their own in it.
    const bool deflated = header.transfer_syntax_uid == kDeflatedSyntax;
    const auto offset =
        deflated ? 0 : std::min(static_cast<std::size_t>(header.pixel_offset), map.bytes().size());
    const std::size_t rest = map.bytes().size() - offset;
    // Compressed pixels and whole mosaics: up to the end of the file.
    const std::size_t count = header.pixel_bytes < 0 || tiles || deflated
                                  ? rest
                                  : std::min(rest, static_cast<std::size_t>(header.pixel_bytes));
    return map.bytes().subspan(offset, count);
  };
  return std::ranges::equal(pixels(map_a, a), pixels(map_b, b));
}

std::vector<DicomStack> group_dicom(std::vector<DicomHeader> files,
                                    const GroupingOptions& options) {
  Headers headers;
  headers.reserve(files.size());
  for (DicomHeader& file : files) {
    if (file.frame_table.empty()) {
      headers.push_back(std::move(file));
    } else {
      std::vector<DicomHeader> slices = slices_of_file(file);
      std::move(slices.begin(), slices.end(), std::back_inserter(headers));
    }
  }
  // Paths as texts: by their parts takes several times as long.
  const auto before = [](const DicomHeader& a, const DicomHeader& b) {
    return std::tie(a.series_uid, a.file.native(), a.frame) <
           std::tie(b.series_uid, b.file.native(), b.frame);
  };
  if (!std::is_sorted(headers.begin(), headers.end(), before)) {
    std::sort(headers.begin(), headers.end(), before);
  }
  std::vector<DicomStack> stacks;
  for (auto first = headers.begin(); first != headers.end();) {
    // A file without series UID stands alone.
    const auto last = first->series_uid.empty()
                          ? std::next(first)
                          : std::find_if(first, headers.end(), [&](const DicomHeader& header) {
                              return header.series_uid != first->series_uid;
                            });
    std::vector<DicomStack> found =
        SeriesGrouping(Headers(std::make_move_iterator(first), std::make_move_iterator(last)),
                       options)
            .stacks();
    std::move(found.begin(), found.end(), std::back_inserter(stacks));
    first = last;
  }
  return stacks;
}

}  // namespace marrow
