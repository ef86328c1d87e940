#include "apps/embedding_file.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"
#include "models/weights/safetensors.h"
#include "volumes/preprocess/case_reading.h"

namespace marrow {

namespace {

constexpr const char* kKind = "marrow.embeddings.1";

[[noreturn]] void damaged(const std::filesystem::path& file, const std::string& what) {
  throw Error(
      ErrorCode::kUnreadable,
      file.string() + " is no file of embeddings: " + what + "; `marrow embed RUN` writes one");
}

template <class T>
at::Tensor borrowed(const std::vector<T>& values, std::int64_t rows, at::ScalarType type) {
  const auto count = static_cast<std::int64_t>(values.size());
  const std::vector<std::int64_t> shape =
      rows < 0 ? std::vector<std::int64_t>{count}
               : std::vector<std::int64_t>{rows, rows == 0 ? 0 : count / rows};
  return at::from_blob(const_cast<T*>(values.data()), shape, type);
}

std::vector<std::string> texts_of(const std::string& json, const std::filesystem::path& file) {
  const nlohmann::json list = nlohmann::json::parse(json, nullptr, false);
  std::vector<std::string> texts;
  if (!list.is_array()) {
    damaged(file, "its list of cases is missing");
  }
  for (const nlohmann::json& text : list) {
    if (!text.is_string()) {
      damaged(file, "its list of cases holds something that is no text");
    }
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

}  // namespace

void make_unit_rows(std::vector<float>& values,
                    std::int64_t dimensions,
                    const std::filesystem::path& file) {
  const auto width = static_cast<std::size_t>(dimensions);
  for (std::size_t begin = 0; begin < values.size(); begin += width) {
    double sum = 0;
    for (std::size_t n = begin; n < begin + width; ++n) {
      sum += static_cast<double>(values[n]) * static_cast<double>(values[n]);
    }
    if (!std::isfinite(sum)) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("{}: the features of row {} are not finite; the encoder's training "
                              "went wrong, see its report",
                              file.string(),
                              begin / width));
    }
    if (sum == 0) {
      const auto value = static_cast<float>(-1 / std::sqrt(static_cast<double>(width)));
      std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(begin), width, value);
      continue;
    }
    const double length = std::sqrt(sum);
    for (std::size_t n = begin; n < begin + width; ++n) {
      values[n] = static_cast<float>(static_cast<double>(values[n]) / length);
    }
  }
}

std::string image_digest(const Case& one) {
  std::string text;
  for (const ImageRef& image : one.images) {
    text += image_files_text(image);
  }
  return sha256_hex(text).substr(0, 16);
}

void write_embeddings(const std::filesystem::path& file, const EmbeddingFile& embeddings) {
  TensorFile content;
  const std::int64_t slices = embeddings.first_slice.back();
  content.tensors = {{"volumes", borrowed(embeddings.volumes, embeddings.count(), at::kFloat)},
                     {"slices", borrowed(embeddings.slices, slices, at::kFloat)},
                     {"first_slice", borrowed(embeddings.first_slice, -1, at::kLong)}};
  content.metadata = {{"kind", kKind},
                      {"keys", nlohmann::json(embeddings.keys).dump()},
                      {"images", nlohmann::json(embeddings.images).dump()},
                      {"encoder", embeddings.encoder},
                      {"recipe", embeddings.recipe_json},
                      {"stages", embeddings.stages},
                      {"marrow_version", MARROW_VERSION}};
  write_safetensors(file, content);
}

EmbeddingFile read_embeddings(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNothingFound,
                "there is no file " + file.string() + "; `marrow embed RUN` writes one");
  }
  const TensorFile content = read_safetensors(file);
  const auto text = [&](const char* name) {
    const auto found = content.metadata.find(name);
    return found == content.metadata.end() ? std::string() : found->second;
  };
  if (text("kind") != kKind) {
    damaged(file, "it was not written by this version of the program");
  }
  EmbeddingFile made;
  made.keys = texts_of(text("keys"), file);
  made.images = texts_of(text("images"), file);
  made.encoder = text("encoder");
  made.recipe_json = text("recipe");
  made.stages = text("stages");
  const at::Tensor volumes = content.find("volumes");
  const at::Tensor slices = content.find("slices");
  const at::Tensor first = content.find("first_slice");
  const bool shapes = volumes.defined() && slices.defined() && first.defined() &&
                      volumes.dim() == 2 && slices.dim() == 2 && first.dim() == 1 &&
                      volumes.scalar_type() == at::kFloat && slices.scalar_type() == at::kFloat &&
                      first.scalar_type() == at::kLong && volumes.size(1) == slices.size(1) &&
                      volumes.size(1) > 0 && volumes.size(0) == made.count() &&
                      std::ssize(made.images) == made.count() && first.size(0) == made.count() + 1;
  if (!shapes) {
    damaged(file, "its tensors are missing or do not fit together");
  }
  made.dimensions = volumes.size(1);
  const auto copy = [](const at::Tensor& from, auto& to) {
    using Value = typename std::remove_reference_t<decltype(to)>::value_type;
    const Value* const data = from.const_data_ptr<Value>();
    to.assign(data, data + from.numel());
  };
  copy(volumes, made.volumes);
  copy(slices, made.slices);
  copy(first, made.first_slice);
  if (made.first_slice.front() != 0 || made.first_slice.back() != slices.size(0) ||
      !std::is_sorted(made.first_slice.begin(), made.first_slice.end())) {
    damaged(file, "first_slice does not count its slices");
  }
  return made;
}

UnitEmbeddings::UnitEmbeddings(const std::filesystem::path& file)
    : file_(file), content_(read_embeddings(file)) {
  make_unit_rows(content_.volumes, content_.dimensions, file);
  make_unit_rows(content_.slices, content_.dimensions, file);
  for (std::size_t n = 0; n < content_.keys.size(); ++n) {
    places_[content_.keys[n]] = n;
  }
}

void UnitEmbeddings::attach(std::vector<ReductionItem>& items) const {
  const auto width = static_cast<std::size_t>(content_.dimensions);
  bool any = false;
  for (ReductionItem& item : items) {
    const auto found = places_.find(item.one.key);
    if (found == places_.end()) {
      continue;
    }
    any = true;
    const std::size_t n = found->second;
    if (content_.images[n] != image_digest(item.one)) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("{}: the files of case \"{}\" are others than those that were "
                              "embedded; run `marrow embed` again",
                              file_.string(),
                              printable(item.one.key)));
    }
    const auto begin = static_cast<std::size_t>(content_.first_slice[n]);
    const auto end = static_cast<std::size_t>(content_.first_slice[n + 1]);
    item.vectors.volume = std::span(content_.volumes).subspan(n * width, width);
    item.vectors.slices = std::span(content_.slices).subspan(begin * width, (end - begin) * width);
  }
  if (!any && !items.empty()) {
    throw Error(ErrorCode::kRefused,
                fmt::format("{}: it has the features of none of these {} volumes; write them with "
                            "`marrow embed RUN` from the same archive or --data",
                            file_.string(),
                            items.size()));
  }
}

void UnitEmbeddings::check_same_encoder(const UnitEmbeddings& other) const {
  if (content_.encoder != other.content_.encoder || content_.stages != other.content_.stages) {
    throw Error(ErrorCode::kRefused,
                fmt::format("{} and {} were made by different encoders, so that their features "
                            "cannot be compared; embed both with one RUN",
                            file_.string(),
                            other.file_.string()));
  }
}

}  // namespace marrow
