#include "io/datasets/nnunet_folder.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/log.h"
#include "core/text.h"
#include "io/datasets/dataset_checks.h"
#include "io/datasets/dataset_json.h"

namespace marrow {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// What dataset.json says.
struct NnunetDescription {
  std::string name;
  std::vector<std::string> channel_names;
  std::vector<LabelClass> classes;
  std::vector<std::string> endings;  // of image and label files, longest first
  std::int64_t training = -1;        // numTraining; -1 when absent
};

// One image file of a folder: imagesTr/NAME_0001.nii.gz is channel 1 of NAME.
struct NnunetFile {
  fs::path file;
  std::string stem;  // without ending
};

[[noreturn]] void refuse_description(const fs::path& file, const std::string& what) {
  throw Error(ErrorCode::kUnreadable, shown_path(file) + ": " + what + "; repair the file");
}

std::int64_t class_value(const fs::path& file, const json& value, const std::string& name) {
  if (value.is_array()) {
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format("{}: the label {} is a region of several values; write label maps with one "
                    "value per class",
                    shown_path(file),
                    printable(name)));
  }
  std::int64_t number = -1;
  if (value.is_number_integer()) {
    number = value.get<std::int64_t>();
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const bool digits =
        !text.empty() && text.size() <= 5 &&
        std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    number = digits ? std::stoll(text) : -1;
  }
  if (number < 0 || number > 65535) {
    refuse_description(
        file,
        fmt::format("expected the label {} to have a value from 0 to 65535, found {}",
                    printable(name),
                    printable(value.dump())));
  }
  return number;
}

bool is_label_number(const std::string& text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(
             text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::vector<LabelClass> classes_of(const fs::path& file, const json& labels) {
  if (!labels.is_object() || labels.empty()) {
    refuse_description(file, "expected \"labels\" to be a table of names and values");
  }
  // MSD writes {"1": "tumour"}, nnU-Net v2 {"tumour": 1}.
  const bool value_first =
      std::all_of(labels.items().begin(), labels.items().end(), [](const auto& item) {
        return is_label_number(item.key()) && item.value().is_string();
      });
  std::vector<LabelClass> classes;
  for (const auto& [key, value] : labels.items()) {
    LabelClass label;
    label.name = value_first ? value.template get<std::string>() : key;
    label.value = value_first ? class_value(file, key, label.name) : class_value(file, value, key);
    if (label.name == "ignore") {
      throw Error(ErrorCode::kUnsupported,
                  shown_path(file) +
                      ": the label \"ignore\" (voxels that nobody annotated) is not "
                      "supported; leave partly annotated cases out");
    }
    classes.push_back(std::move(label));
  }
  std::sort(classes.begin(), classes.end(), [](const LabelClass& a, const LabelClass& b) {
    return a.value < b.value;
  });
  for (std::size_t i = 1; i < classes.size(); ++i) {
    if (classes[i].value == classes[i - 1].value) {
      refuse_description(file,
                         fmt::format("the labels {} and {} have the same value {}",
                                     printable(classes[i - 1].name),
                                     printable(classes[i].name),
                                     classes[i].value));
    }
  }
  if (classes.front().value != 0) {
    classes.insert(classes.begin(), LabelClass{0, "background"});
  }
  return classes;
}

std::vector<std::string> channels_of(const fs::path& file, const json& description) {
  const char* key = description.contains("channel_names") ? "channel_names" : "modality";
  if (!description.contains(key) || !description.at(key).is_object() ||
      description.at(key).empty()) {
    refuse_description(
        file, "expected \"channel_names\" (or \"modality\") with the name of every channel");
  }
  const json& channels = description.at(key);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string number = std::to_string(i);
    if (!channels.contains(number) || !channels.at(number).is_string()) {
      refuse_description(
          file,
          fmt::format(
              "expected \"{}\" to name the channels \"0\" to \"{}\"", key, channels.size() - 1));
    }
    names.push_back(channels.at(number).get<std::string>());
  }
  return names;
}

NnunetDescription read_description(const fs::path& folder) {
  const fs::path file = folder / "dataset.json";
  const json description = read_json_file(file);
  if (!description.is_object()) {
    refuse_description(file, "expected a table");
  }
  NnunetDescription result;
  const auto name = description.find("name");
  result.name = name != description.end() && name->is_string()
                    ? name->get<std::string>()
                    : fs::weakly_canonical(folder).filename().string();
  result.channel_names = channels_of(file, description);
  if (description.contains("labels")) {
    result.classes = classes_of(file, description.at("labels"));
  }
  const auto training = description.find("numTraining");
  if (training != description.end() && training->is_number_integer()) {
    result.training = training->get<std::int64_t>();
  }
  const auto ending = description.find("file_ending");
  if (ending != description.end()) {
    if (!ending->is_string() || !ending->get<std::string>().starts_with('.')) {
      refuse_description(file, "expected \"file_ending\" to be a file ending such as \".nii.gz\"");
    }
    result.endings = {ending->get<std::string>()};
  } else {
    result.endings = {".nii.gz", ".nii"};
  }
  for (const std::string& word : result.endings) {
    // Narrower than io/file_endings.h: labels have the ending of the images, and a JPEG does not
    // keep labels; nnU-Net knows neither .hdr and .img nor .dcm.
    static const std::set<std::string> kReadable{
        ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".png"};
    if (!kReadable.contains(word)) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("{}: expected images that end in .nii.gz, .nii, .nrrd, .nhdr, .mha, "
                              ".mhd or .png, found file_ending {}",
                              shown_path(file),
                              printable(word)));
    }
  }
  return result;
}

// The image files of a folder that may be absent.
std::vector<NnunetFile> image_files(const fs::path& folder,
                                    const std::vector<std::string>& endings) {
  std::vector<NnunetFile> files;
  std::error_code failure;
  if (!fs::is_directory(folder, failure)) {
    return files;
  }
  for (const std::string& name : folder_entries(folder)) {
    for (const std::string& ending : endings) {
      if (name.size() > ending.size() && name.ends_with(ending)) {
        files.push_back({folder / name, name.substr(0, name.size() - ending.size())});
        break;
      }
    }
  }
  return files;
}

bool ends_in_channel(const std::string& stem) {
  return stem.size() > 5 && stem[stem.size() - 5] == '_' &&
         std::all_of(
             stem.end() - 4, stem.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Whether files are named CASE_0000 (nnU-Net) or CASE (MSD). A MSD case may itself end in four
// digits, but then its label has the same name.
bool names_have_channels(const std::vector<NnunetFile>& images,
                         const std::set<std::string>& labels) {
  return !images.empty() && std::all_of(images.begin(), images.end(), [&](const NnunetFile& image) {
    return ends_in_channel(image.stem) && !labels.contains(image.stem);
  });
}

class NnunetCases {
 public:
  NnunetCases(const fs::path& folder,
              const NnunetDescription& description,
              const DatasetOptions& options)
      : folder_(folder), description_(description), options_(options) {}

  // Appends the cases of `images_folder`; `labels_folder` may be absent unless labels are needed.
  void add(const std::string& images_folder,
           const std::string& labels_folder,
           const std::string& split,
           bool labels_needed);

  [[nodiscard]] std::vector<Case> take() { return std::move(cases_); }

 private:
  std::vector<ImageRef> channels_of_file(const fs::path& file, const std::string& what) const;
  std::vector<ImageRef> images_of_case(const std::string& key,
                                       const std::map<std::int64_t, fs::path>& files,
                                       bool suffixed) const;

  const fs::path& folder_;
  const NnunetDescription& description_;
  const DatasetOptions& options_;
  std::vector<Case> cases_;
};

// Every channel as a volume of one file.
std::vector<ImageRef> NnunetCases::channels_of_file(const fs::path& file,
                                                    const std::string& what) const {
  const auto channels = static_cast<std::int64_t>(description_.channel_names.size());
  std::vector<ImageRef> images;
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    images.push_back(make_image_ref(folder_, file, what));
    if (channels > 1) {
      images.back().volume = channel;
      images.back().key = keyed_digest("channel " + std::to_string(channel), images.back().key);
    }
  }
  return images;
}

std::vector<ImageRef> NnunetCases::images_of_case(const std::string& key,
                                                  const std::map<std::int64_t, fs::path>& files,
                                                  bool suffixed) const {
  const auto channels = static_cast<std::int64_t>(description_.channel_names.size());
  const std::string what = "case " + printable(key);
  std::vector<ImageRef> images;
  if (!suffixed) {
    // MSD keeps several channels as the volumes of one 4-D file.
    return channels_of_file(files.begin()->second, what);
  }
  // A colour picture is one file of three channels: red, green, blue.
  const bool colour = channels == 3 && files.size() == 1 && files.contains(0) &&
                      description_.endings.front() == ".png";
  if (colour) {
    return channels_of_file(files.at(0), what);
  }
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    const auto file = files.find(channel);
    if (file == files.end()) {
      throw Error(
          ErrorCode::kUnreadable,
          fmt::format("{}: channel {} ({}) is missing: expected {}_{:04d}{} beside {}",
                      what,
                      channel,
                      printable(description_.channel_names[static_cast<std::size_t>(channel)]),
                      printable(key),
                      channel,
                      description_.endings.front(),
                      shown_path(files.begin()->second)));
    }
    images.push_back(make_image_ref(folder_, file->second, what));
  }
  if (files.rbegin()->first >= channels) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "{}: dataset.json names {} channels, but there is {}; name the channel or remove "
            "the file",
            what,
            channels,
            shown_path(files.rbegin()->second)));
  }
  return images;
}

void NnunetCases::add(const std::string& images_folder,
                      const std::string& labels_folder,
                      const std::string& split,
                      bool labels_needed) {
  const std::vector<NnunetFile> images = image_files(folder_ / images_folder, description_.endings);
  std::map<std::string, fs::path> labels;
  std::set<std::string> label_stems;
  for (const NnunetFile& label : image_files(folder_ / labels_folder, description_.endings)) {
    if (!labels.emplace(label.stem, label.file).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("case {}: there are two label maps, {} and {}; keep one",
                              printable(label.stem),
                              shown_path(labels.at(label.stem)),
                              shown_path(label.file)));
    }
    label_stems.insert(label.stem);
  }
  const bool suffixed = names_have_channels(images, label_stems);
  std::map<std::string, std::map<std::int64_t, fs::path>> files;
  for (const NnunetFile& image : images) {
    const std::string key = suffixed ? image.stem.substr(0, image.stem.size() - 5) : image.stem;
    const std::int64_t channel =
        suffixed ? std::stoll(image.stem.substr(image.stem.size() - 4)) : 0;
    const auto [place, added] = files[key].emplace(channel, image.file);
    if (!added) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("case {}: there are two files for channel {}, {} and {}; keep one",
                              printable(key),
                              channel,
                              shown_path(place->second),
                              shown_path(image.file)));
    }
  }
  for (const auto& [key, channels] : files) {
    Case found;
    found.key = key;
    found.patient = options_.patient_before_underscore ? key.substr(0, key.find('_')) : key;
    found.split = split;
    found.modality = modality_of_channel(description_.channel_names.front());
    for (std::size_t channel = 1; channel < description_.channel_names.size(); ++channel) {
      found.other_modalities.push_back(modality_of_channel(description_.channel_names[channel]));
    }
    found.images = images_of_case(key, channels, suffixed);
    const auto label = labels.find(key);
    if (label != labels.end()) {
      found.labels = make_image_ref(folder_, label->second, "labels of case " + printable(key));
      labels.erase(label);
    } else if (labels_needed) {
      throw Error(
          ErrorCode::kUnreadable,
          fmt::format(
              "case {}: expected its label map {}{} in {}, found none; restore it or move the "
              "image to imagesUnlabelled",
              printable(key),
              printable(key),
              description_.endings.front(),
              shown_path(folder_ / labels_folder)));
    }
    cases_.push_back(std::move(found));
  }
  if (!labels.empty() && labels_needed) {
    throw Error(
        ErrorCode::kUnreadable,
        fmt::format(
            "case {}: there is a label map {}, but no image in {}; restore it or remove the "
            "label map",
            printable(labels.begin()->first),
            shown_path(labels.begin()->second),
            shown_path(folder_ / images_folder)));
  }
}

}  // namespace

std::vector<LabelClass> read_dataset_classes(const fs::path& dataset_json) {
  const json description = read_json_file(dataset_json);
  if (!description.is_object() || !description.contains("labels")) {
    return {};
  }
  return classes_of(dataset_json, description.at("labels"));
}

Dataset read_nnunet_folder(const fs::path& folder, const DatasetOptions& options) {
  const NnunetDescription description = read_description(folder);
  NnunetCases cases(folder, description, options);
  const bool labelled = !description.classes.empty();
  cases.add("imagesTr", "labelsTr", labelled ? "" : "unlabelled", labelled);
  cases.add("imagesTs", "labelsTs", "test", false);
  cases.add("imagesUnlabelled", "", "unlabelled", false);
  Dataset dataset;
  dataset.name = description.name;
  dataset.root = folder;
  dataset.channel_names = description.channel_names;
  dataset.classes = description.classes;
  dataset.cases = cases.take();
  sort_cases(dataset, shown_path(folder));
  const auto training = std::count_if(
      dataset.cases.begin(), dataset.cases.end(), [](const Case& c) { return c.split.empty(); });
  if (labelled && description.training >= 0 && training != description.training) {
    log::warn(fmt::format("{}: dataset.json promises {} training cases, {} are there",
                          shown_path(folder),
                          description.training,
                          training));
  }
  return dataset;
}

}  // namespace marrow
