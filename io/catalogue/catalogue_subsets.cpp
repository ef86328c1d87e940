#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"
#include "io/catalogue/catalogue.h"
#include "io/catalogue/catalogue_state.h"

namespace marrow {

namespace {

constexpr std::size_t kLongestSubsetName = 64;
constexpr std::size_t kKeysShown = 3;

void check_subset_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  if (name.empty() || name.size() > kLongestSubsetName || !plain) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("subset \"{}\": a name has 1 to {} letters, digits, '_', '-' or '.'",
                            printable(name),
                            kLongestSubsetName));
  }
}

// "a1, b2 and 4 more".
std::string some_keys(const std::vector<std::string>& keys) {
  const std::size_t shown = std::min(keys.size(), kKeysShown);
  std::string text = join({keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(shown)}, ", ");
  return keys.size() > shown ? fmt::format("{} and {} more", text, keys.size() - shown) : text;
}

}  // namespace

std::string Catalogue::series_digest(const SeriesRecord& record) const {
  std::vector<std::string> parts;
  const auto add = [&](const FileFacts& facts) {
    const PackedFacts packed = pack_facts(facts);
    parts.push_back(sha256_hex(packed.shared + packed.variant + packed.own));
  };
  for (DicomHeader& header : headers_of(record)) {
    const std::filesystem::path file = header.file;
    add({file, std::move(header)});
  }
  if (parts.empty()) {
    for (const std::filesystem::path& file : record.files) {
      if (const std::optional<FileRecord> known = file_record(file)) {
        add(known->facts);
        parts.back() += fmt::format(" {}", known->stamp.size);
      }
    }
  }
  std::sort(parts.begin(), parts.end());  // where files lie does not count
  return sha256_hex(fmt::format("{} {} {}",
                                verdict_name(record.verdict),
                                record.volume ? std::to_string(*record.volume) : "all",
                                join(parts, "\n")));
}

Subset Catalogue::save_subset(const std::string& name,
                              const std::string& expression,
                              std::span<const SeriesRecord> series) {
  check_subset_name(name);
  if (series.empty()) {
    throw Error(ErrorCode::kNothingFound,
                fmt::format("subset {}: there is no series to save", name));
  }
  Subset subset{name, expression, {}, {}};
  for (const SeriesRecord& record : series) {
    subset.digest_of_series[record.key] = series_digest(record);
  }
  subset.digest = subset_digest(subset.digest_of_series);
  with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    put_subset(state_->database, subset);
    transaction.commit();
  });
  return subset;
}

std::vector<Subset> Catalogue::subsets() const {
  return with_database(state_->file, [&] { return all_subsets(state_->database); });
}

SubsetState Catalogue::subset_state(const Subset& subset) const {
  SubsetState state;
  for (const auto& [key, digest] : subset.digest_of_series) {
    const std::optional<SeriesRecord> record = series_of_key(key);
    if (!record) {
      state.gone.push_back(key);
    } else if (series_digest(*record) != digest) {
      state.changed.push_back(key);
    } else {
      state.series.push_back(*record);
    }
  }
  return state;
}

std::vector<SeriesRecord> Catalogue::subset(const std::string& name) const {
  std::vector<std::string> names;
  for (const Subset& known : subsets()) {
    names.push_back(known.name);
    if (known.name != name) {
      continue;
    }
    SubsetState state = subset_state(known);
    if (!state.gone.empty() || !state.changed.empty()) {
      throw Error(
          ErrorCode::kRefused,
          fmt::format("subset {}: {} of its {} series are gone and {} have changed since it was "
                      "saved ({}); bring them back, or save it again with `marrow list --save {} "
                      "--overwrite`",
                      name,
                      state.gone.size(),
                      known.digest_of_series.size(),
                      state.changed.size(),
                      some_keys(state.gone.empty() ? state.changed : state.gone),
                      name));
    }
    return std::move(state.series);
  }
  const std::string nearest = nearest_word(name, names);
  throw Error(ErrorCode::kNothingFound,
              fmt::format("there is no subset \"{}\"{}; `marrow list --subsets` shows them, and "
                          "`marrow list --where ... --save NAME` makes one",
                          printable(name),
                          nearest.empty() ? "" : fmt::format(", did you mean \"{}\"?", nearest)));
}

ReportCounts Catalogue::import_reports(const std::filesystem::path& file,
                                       std::span<const ReportRow> reports) {
  return with_database(state_->file, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    const ReportCounts counts =
        put_reports(state_->database, *state_->files, state_->salt, file, reports);
    transaction.commit();
    return counts;
  });
}

}  // namespace marrow
