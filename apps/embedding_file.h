#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/case.h"
#include "volumes/fingerprints/unit_vectors.h"
#include "volumes/reduction/reduction_item.h"

namespace marrow {

// What one encoder sees in the cases of a collection: what `marrow embed` writes, a safetensors
// file that other tools read, too (docs/formats/embeddings.md).
struct EmbeddingFile {
  std::int64_t dimensions = 0;
  std::vector<std::string> keys;          // of the cases, ascending
  std::vector<std::string> images;        // image_digest of each
  std::vector<std::int64_t> first_slice;  // of each case in `slices`, and their number at the end
  std::vector<float> volumes, slices;     // row by row
  std::string encoder;                    // digest of weights, options and recipe
  std::string recipe_json;
  std::string stages;

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(keys.size()); }
};

// 16 hex digits that change when a file of the case does.
[[nodiscard]] std::string image_digest(const Case& one);

void write_embeddings(const std::filesystem::path& file, const EmbeddingFile& embeddings);
// Throws Error{kUnreadable} for a damaged file or one that is no file of embeddings.
[[nodiscard]] EmbeddingFile read_embeddings(const std::filesystem::path& file);

// Brings every row to length 1. An empty slice leaves all features of some networks at zero: such
// rows get one direction that no other has, since what rectified units say is hardly ever negative,
// so that they are alike to each other only. Throws Error{kRefused}, naming `file`, for features
// that are not finite.
void make_unit_rows(std::vector<float>& values,
                    std::int64_t dimensions,
                    const std::filesystem::path& file);

// Embeddings whose rows have length 1, for comparing by cosine; rows of zeros are alike to each
// other only. Throws Error{kRefused} for features that are not finite.
class UnitEmbeddings {
 public:
  explicit UnitEmbeddings(const std::filesystem::path& file);

  // Names the rows of each item; an item that the file does not know gets none. Must outlive the
  // items. Throws Error{kRefused} when the files of a case have changed since, or when the file
  // knows none of them.
  void attach(std::vector<ReductionItem>& items) const;

  [[nodiscard]] UnitRows volumes() const { return {content_.volumes, content_.dimensions}; }

  // Throws Error{kRefused} when both were made by different encoders.
  void check_same_encoder(const UnitEmbeddings& other) const;

 private:
  std::filesystem::path file_;
  EmbeddingFile content_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace marrow
