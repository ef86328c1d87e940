#include "io/datasets/csv_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/files.h"
#include "core/text.h"
#include "io/datasets/dataset_checks.h"
#include "io/datasets/nnunet_folder.h"
#include "io/file_endings.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kCsvColumns{
    "image", "label", "mask", "patient", "split", "report", "case"};

struct CsvRow {
  std::size_t number = 0;  // as a spreadsheet counts, header included
  std::map<std::string, std::string> fields;

  [[nodiscard]] std::string field(const std::string& column) const {
    const auto found = fields.find(column);
    return found == fields.end() ? "" : found->second;
  }
};

// What a label column holds: files, or classes of the whole image.
enum class CsvLabels { kNone, kFiles, kClasses };

std::string row_name(const fs::path& file, const CsvRow& row) {
  return fmt::format("{}, row {}", shown_path(file), row.number);
}

std::vector<CsvRow> read_rows(const fs::path& file) {
  const std::vector<std::vector<std::string>> records = parse_csv(read_text(file));
  if (records.empty()) {
    throw Error(ErrorCode::kNothingFound,
                shown_path(file) + ": expected a header and rows, found nothing");
  }
  std::vector<std::string> header;
  for (const std::string& word : records.front()) {
    std::string column = lower_case(trim(word));
    if (std::find(header.begin(), header.end(), column) != header.end() && !column.empty()) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: the column \"{}\" is there twice", shown_path(file), printable(column)));
    }
    header.push_back(std::move(column));
  }
  if (std::find(header.begin(), header.end(), "image") == header.end()) {
    const std::string nearest = nearest_word("image", header);
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: expected a column \"image\" ({} may follow), found {}{}",
                            shown_path(file),
                            "label, mask, patient, split, report, case",
                            printable(join(header, ", ")),
                            nearest.empty() ? "" : "; is it \"" + printable(nearest) + "\"?"));
  }
  std::vector<CsvRow> rows;
  for (std::size_t i = 1; i < records.size(); ++i) {
    CsvRow row{i + 1, {}};
    if (records[i].size() != header.size()) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("{}: expected {} fields as in the header, found {}",
                              row_name(file, row),
                              header.size(),
                              records[i].size()));
    }
    for (std::size_t column = 0; column < header.size(); ++column) {
      if (std::find(kCsvColumns.begin(), kCsvColumns.end(), header[column]) != kCsvColumns.end()) {
        row.fields[header[column]] = std::string(trim(records[i][column]));
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

CsvLabels kind_of_labels(const fs::path& file, const std::vector<CsvRow>& rows) {
  CsvLabels kind = CsvLabels::kNone;
  for (const CsvRow& row : rows) {
    const std::string label = row.field("label");
    if (label.empty()) {
      continue;
    }
    std::error_code failure;
    const bool path = has_image_ending(label) || (label.find('/') != std::string::npos &&
                                                  fs::exists(file.parent_path() / label, failure));
    const CsvLabels this_kind = path ? CsvLabels::kFiles : CsvLabels::kClasses;
    if (kind != CsvLabels::kNone && kind != this_kind) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: expected the column \"label\" to hold files or classes, found both",
                      row_name(file, row)));
    }
    kind = this_kind;
  }
  return kind;
}

std::optional<double> number_of(std::string_view word) {
  double value = 0;
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failure != std::errc{} || end != word.data() + word.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

bool is_class_number(const std::string& word) {
  return !word.empty() && word.size() <= 5 &&
         std::all_of(
             word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// "2" or "lesion" for one class per image, "0;1;1" for several findings that may occur together.
class CsvClasses {
 public:
  CsvClasses(const fs::path& file, const std::vector<CsvRow>& rows) : file_(file) {
    std::set<std::string> words;
    for (const CsvRow& row : rows) {
      const std::string label = row.field("label");
      if (!label.empty()) {
        words.insert(label);
        several_ = several_ || label.find(';') != std::string::npos;
      }
    }
    numbers_ = std::all_of(words.begin(), words.end(), is_class_number);
    std::vector<std::string> ordered(words.begin(), words.end());
    if (numbers_) {
      std::sort(ordered.begin(), ordered.end(), [](const std::string& a, const std::string& b) {
        return std::stoi(a) < std::stoi(b);
      });
    }
    for (std::size_t i = 0; i < ordered.size() && !several_; ++i) {
      classes_.push_back(
          {numbers_ ? std::stoi(ordered[i]) : static_cast<std::int64_t>(i), ordered[i]});
    }
  }

  [[nodiscard]] const std::vector<LabelClass>& classes() const { return classes_; }

  [[nodiscard]] std::vector<double> targets(const CsvRow& row) {
    const std::string label = row.field("label");
    if (!several_) {
      for (const LabelClass& known : classes_) {
        if (known.name == label) {
          return {static_cast<double>(known.value)};
        }
      }
    }
    std::vector<double> targets;
    for (const std::string& word : split_words(label, ';')) {
      const std::optional<double> value = number_of(trim(word));
      if (!value) {
        throw Error(ErrorCode::kUnreadable,
                    fmt::format("{}: expected numbers separated by ';', found \"{}\"",
                                row_name(file_, row),
                                printable(label)));
      }
      targets.push_back(*value);
    }
    if (count_ == 0) {
      count_ = targets.size();
    }
    if (targets.size() != count_) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("{}: expected {} values as in the first row, found {}",
                              row_name(file_, row),
                              count_,
                              targets.size()));
    }
    return targets;
  }

 private:
  const fs::path& file_;
  bool several_ = false;
  bool numbers_ = false;
  std::size_t count_ = 0;
  std::vector<LabelClass> classes_;
};

// Spelling differences of one identifier (case, spaces) do not make two patients; the identifier
// itself goes nowhere.
std::string patient_key(const std::string& written) {
  std::string normal;
  for (const char c : trim(written)) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space) {
      normal += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!normal.ends_with(' ')) {
      normal += ' ';
    }
  }
  return keyed_digest("patient of a list", normal);
}

// The file's name where that tells the cases apart, else its whole relative path.
void name_cases(const std::vector<CsvRow>& rows, Dataset& dataset) {
  std::vector<std::string> paths;
  std::map<std::string, int> stems;
  const auto stem_of = [](const std::string& image) {
    fs::path path = fs::path(image).lexically_normal();
    return without_image_ending(
        (path.has_filename() ? path : path.parent_path()).filename().string());
  };
  for (const CsvRow& row : rows) {
    paths.push_back(split_words(row.field("image"), ';').front());
    ++stems[stem_of(paths.back())];
  }
  const bool unique =
      std::all_of(stems.begin(), stems.end(), [](const auto& s) { return s.second == 1; });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string key = rows[i].field("case");
    if (key.empty() && unique) {
      key = stem_of(paths[i]);
    } else if (key.empty()) {
      key = without_image_ending(fs::path(paths[i]).lexically_normal().generic_string());
      std::replace(key.begin(), key.end(), '/', '_');
    }
    dataset.cases[i].key = std::move(key);
  }
}

std::vector<ImageRef> images_of_row(const fs::path& file, const CsvRow& row) {
  const fs::path root = file.parent_path();
  std::vector<ImageRef> images;
  for (const std::string& word : split_words(row.field("image"), ';')) {
    const std::string path(trim(word));
    if (path.empty()) {
      throw Error(ErrorCode::kUnreadable,
                  row_name(file, row) + ": expected the path of an image, found nothing");
    }
    images.push_back(make_image_ref(root, root / path, row_name(file, row)));
  }
  return images;
}

std::optional<ImageRef> label_map_of_row(const fs::path& file, const CsvRow& row, CsvLabels kind) {
  const fs::path root = file.parent_path();
  const std::string mask = row.field("mask");
  const std::string label = kind == CsvLabels::kFiles ? row.field("label") : "";
  if (!mask.empty() && !label.empty()) {
    throw Error(ErrorCode::kUnsupported,
                row_name(file, row) +
                    ": expected one label map, found one in \"label\" and one in \"mask\"");
  }
  const std::string& path = mask.empty() ? label : mask;
  if (path.empty()) {
    return std::nullopt;
  }
  return make_image_ref(root, root / path, row_name(file, row));
}

std::string split_of_row(const fs::path& file, const CsvRow& row, bool labelled) {
  const std::string word = row.field("split");
  if (word.empty()) {
    return labelled ? "" : "unlabelled";
  }
  std::string split = split_of_word(word);
  if (split.empty()) {
    throw Error(
        ErrorCode::kUnreadable,
        fmt::format(
            "{}: expected the split to be train, validation, test or unlabelled, found \"{}\"",
            row_name(file, row),
            printable(word)));
  }
  if (!labelled && (split == "train" || split == "validation")) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{}: the split is {}, but the row has no label; call it unlabelled",
                            row_name(file, row),
                            split));
  }
  return split;
}

}  // namespace

Dataset read_csv_list(const fs::path& file) {
  const std::vector<CsvRow> rows = read_rows(file);
  const CsvLabels kind = kind_of_labels(file, rows);
  Dataset dataset;
  dataset.name = file.stem().string();
  dataset.root = file.parent_path();
  CsvClasses classes(file, rows);
  std::error_code failure;
  const fs::path description = file.parent_path() / "dataset.json";
  if (kind == CsvLabels::kClasses) {
    dataset.classes = classes.classes();
  } else if (fs::exists(description, failure)) {
    dataset.classes = read_dataset_classes(description);
  }
  const bool any_split = std::any_of(
      rows.begin(), rows.end(), [](const CsvRow& row) { return !row.field("split").empty(); });
  std::size_t channels = 0;
  for (const CsvRow& row : rows) {
    Case found;
    found.images = images_of_row(file, row);
    channels = channels == 0 ? found.images.size() : channels;
    if (found.images.size() != channels) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("{}: expected {} channels as in the first row, found {}; "
                              "every row needs the same channels in the same order",
                              row_name(file, row),
                              channels,
                              found.images.size()));
    }
    found.labels = label_map_of_row(file, row, kind);
    if (kind == CsvLabels::kClasses && !row.field("label").empty()) {
      found.targets = classes.targets(row);
    }
    const bool labelled = found.labels.has_value() || !found.targets.empty();
    found.split = split_of_row(file, row, labelled);
    if (any_split && found.split.empty()) {
      throw Error(ErrorCode::kUnreadable,
                  row_name(file, row) + ": expected a split as in other rows, found none");
    }
    if (!row.field("patient").empty()) {
      found.patient = patient_key(row.field("patient"));
    }
    dataset.cases.push_back(std::move(found));
  }
  for (std::size_t i = 0; i < channels; ++i) {
    dataset.channel_names.push_back(channels == 1 ? "image" : "image" + std::to_string(i));
  }
  name_cases(rows, dataset);
  for (Case& c : dataset.cases) {
    if (c.patient.empty()) {
      c.patient = c.key;
    }
  }
  sort_cases(dataset, shown_path(file));
  return dataset;
}

}  // namespace marrow
