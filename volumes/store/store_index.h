#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "volumes/preprocess/recipe.h"
#include "volumes/store/volume_store.h"

namespace marrow {

// One line of the index.
struct IndexedCase {
  StoredCase info;
  std::string file;  // name inside the folder
  std::uint64_t bytes = 0;
  std::uint64_t header_checksum = 0;
  std::uint64_t table_checksum = 0;
};

struct StoreIndex {
  RecipeOptions recipe;
  std::string fingerprint;
  std::vector<IndexedCase> cases;  // sorted by key
};

inline constexpr std::string_view kIndexName = "index.json";
inline constexpr std::string_view kCaseFileEnding = ".mvol";

// The same cases give the same text. `fingerprint` is computed here.
[[nodiscard]] std::string index_to_text(StoreIndex index);
// Throws Error{kUnreadable} naming `file` when it is damaged, Error{kUnsupported} for another
// version.
[[nodiscard]] StoreIndex read_index(const std::filesystem::path& file);

// SHA-256 over keys, prepared grids and block tables (which hold the checksum of every block).
[[nodiscard]] std::string store_fingerprint(const std::vector<IndexedCase>& cases);

// What a case file says of itself, with the recipe it was prepared by.
struct CaseMetadata {
  StoredCase info;
  RecipeOptions recipe;
};

[[nodiscard]] std::string metadata_to_text(const CaseMetadata& metadata);
// Throws Error{kUnreadable} naming `label`.
[[nodiscard]] CaseMetadata metadata_from_text(std::string_view text, const std::string& label);

// `key` as a file name with the ending of case files: letters, digits, '-', '_' and '.' (not in
// front) stay, every other byte becomes %XX; a long key keeps its beginning and ends in a digest.
// Different keys, different names.
[[nodiscard]] std::string case_file_name(std::string_view key);

}  // namespace marrow
