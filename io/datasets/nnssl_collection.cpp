#include "io/datasets/nnssl_collection.h"

#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/text.h"
#include "io/datasets/dataset_checks.h"
#include "io/datasets/dataset_json.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

[[noreturn]] void refuse_collection(const fs::path& file, const std::string& what) {
  throw Error(ErrorCode::kUnreadable, shown_path(file) + ": " + what + "; repair the file");
}

const json& table_of(const fs::path& file, const json& parent, const char* key) {
  const auto found = parent.is_object() ? parent.find(key) : parent.end();
  if (!parent.is_object() || found == parent.end() || !found->is_object()) {
    refuse_collection(file, fmt::format("expected \"{}\" to be a table", key));
  }
  return *found;
}

std::string text_of(const fs::path& file, const json& image, const char* key) {
  const auto found = image.is_object() ? image.find(key) : image.end();
  if (!image.is_object() || found == image.end() || !found->is_string()) {
    refuse_collection(file, fmt::format("expected every image to have a text \"{}\"", key));
  }
  return found->get<std::string>();
}

// No environment variable is looked up: what the file names must lie with it.
fs::path path_of(const fs::path& file, const std::string& written) {
  const fs::path folder = fs::absolute(file).parent_path();
  if (!written.starts_with('$')) {
    return folder / written;  // an absolute path stays as it is
  }
  const std::size_t slash = written.find('/');
  const std::string rest = slash == std::string::npos ? "" : written.substr(slash + 1);
  std::error_code failure;
  const fs::path beside = folder.parent_path() / rest;
  return fs::exists(beside, failure) ? beside : folder / rest;
}

class NnsslCases {
 public:
  NnsslCases(const fs::path& file, Dataset& dataset) : file_(file), dataset_(dataset) {}

  void add_dataset(const std::string& set, const json& description) {
    for (const auto& [subject, sessions] : table_of(file_, description, "subjects").items()) {
      for (const auto& [session, images] : table_of(file_, sessions, "sessions").items()) {
        const auto list = images.is_object() ? images.find("images") : images.end();
        if (!images.is_object() || list == images.end() || !list->is_array()) {
          refuse_collection(file_, "expected the \"images\" of every session to be a list");
        }
        for (const json& image : *list) {
          add_image(set, subject, session, image);
        }
      }
    }
  }

 private:
  // Subjects and sessions may be called by what names a patient: only digests are kept.
  void add_image(const std::string& set,
                 const std::string& subject,
                 const std::string& session,
                 const json& image) {
    const std::string name = text_of(file_, image, "name");
    const std::string written = text_of(file_, image, "image_path");
    Case found;
    found.patient = keyed_digest("nnssl subject", set + "\n" + subject);
    found.key = keyed_digest("nnssl image", set + "\n" + subject + "\n" + session + "\n" + name);
    found.split = "unlabelled";
    found.modality = modality_of_channel(text_of(file_, image, "modality"));
    found.images.push_back(make_image_ref(file_.parent_path(),
                                          path_of(file_, written),
                                          "image " + found.key + " of data set " + printable(set)));
    dataset_.cases.push_back(std::move(found));
  }

  const fs::path& file_;
  Dataset& dataset_;
};

}  // namespace

Dataset read_nnssl_collection(const fs::path& file) {
  const json collection = read_json_file(file);
  const json& datasets = table_of(file, collection, "datasets");
  Dataset dataset;
  const auto name = collection.find("collection_name");
  dataset.name = name != collection.end() && name->is_string()
                     ? name->get<std::string>()
                     : fs::absolute(file).parent_path().filename().string();
  dataset.root = file.parent_path();
  dataset.channel_names = {"image"};
  NnsslCases cases(file, dataset);
  for (const auto& [set, description] : datasets.items()) {
    cases.add_dataset(set, description);
  }
  sort_cases(dataset, shown_path(file));
  return dataset;
}

}  // namespace marrow
