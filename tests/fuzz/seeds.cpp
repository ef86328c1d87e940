// Writes the first inputs of the fuzzers: FOLDER/NAME/... for every fuzzer fuzz_NAME.

#include <cstdlib>
#include <fstream>
#include <iostream>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <dcmtk/dcmjpls/djrparam.h>
#include <nlohmann/json.hpp>

#include "core/digest.h"
#include "core/files.h"
#include "io/catalogue/file_rows.h"
#include "io/catalogue/packed_stamps.h"
#include "io/dicom/dcmtk_session.h"
#include "io/worker/messages.h"
#include "tests/support/dicom_made.h"
#include "tests/support/dicom_objects.h"
#include "tests/support/dicom_series.h"
#include "tests/support/label_samples.h"
#include "tests/support/nifti_bytes.h"
#include "tests/support/npz_made.h"
#include "volumes/reduction/fingerprint_bytes.h"
#include "volumes/store/block_codec.h"
#include "volumes/store/case_file.h"
#include "volumes/store/store_index.h"

namespace marrow::fuzzing {
namespace {

namespace fs = std::filesystem;
using testing::Bytes;
using testing::NiftiBytesBuilder;

// An input whose first byte chooses the way.
void seed(const fs::path& file, unsigned way, std::span<const std::byte> bytes) {
  Bytes all{static_cast<std::byte>(way)};
  all.insert(all.end(), bytes.begin(), bytes.end());
  testing::write_file(file, all);
}

void seed(const fs::path& file, unsigned way, std::string_view text) {
  seed(file, way, std::as_bytes(std::span(text)));
}

void nifti_seeds(const fs::path& folder) {
  const auto every_way = [&](const std::string& name, const Bytes& plain) {
    seed(folder / (name + "-plain"), 0, plain);
    seed(folder / (name + "-packed"), 1, plain);
  };
  every_way("first", NiftiBytesBuilder(1).file());
  every_way("second", NiftiBytesBuilder(2).file());
  every_way("big-endian", NiftiBytesBuilder(1, true).file());
  every_way("turned", NiftiBytesBuilder(1).qform(1, {0.1, 0.2, 0.3, 1, 2, 3}).file());
  every_way("scaled", NiftiBytesBuilder(1).scaling(2, -5).file());
  every_way("real", NiftiBytesBuilder(1).type(16, 32).voxels(std::vector<float>(60, 1.5F)).file());
  every_way("labels",
            NiftiBytesBuilder(2).type(2, 8).voxels(std::vector<std::uint8_t>(60, 3)).file());
  every_way("wide",
            NiftiBytesBuilder(1).type(1024, 64).voxels(std::vector<std::int64_t>(60, 1)).file());
  every_way("several",
            NiftiBytesBuilder(1)
                .dims({4, 3, 2, 2, 2, 1, 1, 1})
                .voxels(std::vector<std::int16_t>(24, 9))
                .file());
  seed(folder / "gzip", 0, testing::gzipped(NiftiBytesBuilder(1).file()));
  NiftiBytesBuilder pair(1);
  pair.put_text(344, std::string("ni1\0", 4)).vox_offset(0);
  Bytes both = pair.header_bytes();
  both.insert(both.end(), pair.voxel_bytes().begin(), pair.voxel_bytes().end());
  seed(folder / "pair", 2, both);
  seed(folder / "twice", 3, NiftiBytesBuilder(1).file());
}

// One slice of a small series in every encoding that is read.
void dicom_seeds(const fs::path& folder) {
  prepare_dcmtk();
  DcmRLEEncoderRegistration::registerCodecs();
  DJEncoderRegistration::registerCodecs();
  DJLSEncoderRegistration::registerCodecs();
  const TemporaryFolder made;
  const auto slice_of = [&](const std::string& name, const DicomSeriesAttributes& attributes) {
    const Volume volume = testing::ramp_volume(testing::oblique_grid());
    const fs::path slice = write_dicom_series(made.path() / name, volume, attributes).front();
    fs::copy_file(slice, folder / name, fs::copy_options::overwrite_existing);
    return slice;
  };
  fs::create_directories(folder);
  const fs::path plain = slice_of("plain", {});
  DicomSeriesAttributes other;
  other.big_endian = true;
  slice_of("big-endian", other);
  other = {};
  other.modality = Modality::kMr;
  other.signed_values = false;
  other.bits_stored = 12;
  other.intercept = -1024;
  other.padding_value = 0;
  slice_of("padded", other);
  const DJ_RPLossless lossless;
  const DJLSRepresentationParameter near_lossless;
  for (const auto& [name, syntax, parameter] :
       {std::tuple<const char*, E_TransferSyntax, const DcmRepresentationParameter*>{
            "implicit", EXS_LittleEndianImplicit, nullptr},
        {"rle", EXS_RLELossless, nullptr},
        {"jpeg", EXS_JPEGProcess14SV1, &lossless},
        {"jpeg-ls", EXS_JPEGLSLossless, &near_lossless}}) {
    DcmFileFormat format;
    const fs::path target = folder / name;
    if (format.loadFile(plain.c_str()).bad() ||
        format.getDataset()->chooseRepresentation(syntax, parameter).bad() ||
        format.saveFile(target.c_str(), syntax).bad()) {
      throw Error(ErrorCode::kInternal, std::string("cannot write the seed ") + name);
    }
  }
  for (const auto& [name, syntax] : {std::pair("enhanced", EXS_LittleEndianExplicit),
                                     {"enhanced-rle", EXS_RLELossless},
                                     {"enhanced-jpeg", EXS_JPEGProcess14SV1},
                                     {"enhanced-jpeg-ls", EXS_JPEGLSLossless},
                                     {"enhanced-jpeg-2000", EXS_JPEG2000LosslessOnly}}) {
    testing::write_enhanced_object(folder / name, syntax);
  }
  testing::write_mosaic_object(folder / "mosaic", testing::CsaLayout::kSecond);
  testing::write_mosaic_object(folder / "mosaic-old", testing::CsaLayout::kFirst);
}

// A radiograph, and secondary captures in two kinds of colour.
void picture_seeds(const fs::path& folder) {
  const auto start = [](DcmDataset& data, const char* sop_class) {
    testing::start_image(data, 16, 16);
    testing::put_text(data, DCM_SOPClassUID, sop_class);
  };
  DcmFileFormat radiograph;
  start(*radiograph.getDataset(), UID_DigitalXRayImageStorageForPresentation);
  testing::put_text(*radiograph.getDataset(), DCM_PhotometricInterpretation, "MONOCHROME1");
  testing::put_text(*radiograph.getDataset(), DCM_ImagerPixelSpacing, "0.2\\0.1");
  testing::put_pixels(*radiograph.getDataset(), std::vector<Uint16>(256, 700));
  testing::save_image(radiograph, folder / "radiograph");
  for (const char* const colours : {"RGB", "YBR_FULL"}) {
    DcmFileFormat capture;
    DcmDataset& data = *capture.getDataset();
    start(data, UID_SecondaryCaptureImageStorage);
    testing::put_text(data, DCM_PhotometricInterpretation, colours);
    for (const auto& [tag, value] : {std::pair(DCM_SamplesPerPixel, 3),
                                     {DCM_BitsAllocated, 8},
                                     {DCM_BitsStored, 8},
                                     {DCM_HighBit, 7},
                                     {DCM_PlanarConfiguration, 1}}) {
      data.putAndInsertUint16(tag, static_cast<Uint16>(value));
    }
    const std::vector<Uint8> bytes(768, 90);
    data.putAndInsertUint8Array(DCM_PixelData, bytes.data(), bytes.size());
    testing::save_image(capture, folder / colours);
  }
}

void store_seeds(const fs::path& folder) {
  const Volume volume = testing::ramp_volume(testing::oblique_grid());
  CaseMetadata metadata;
  metadata.info.key = "case/1";
  metadata.info.patient = "p1";
  metadata.info.split = "train";
  metadata.info.geometry = volume.geometry;
  metadata.info.source = volume.geometry;
  metadata.info.has_labels = true;
  metadata.info.targets = {1};
  metadata.info.label_fractions = {0.25};
  const std::string text = metadata_to_text(metadata);
  const std::vector<std::uint8_t> labels(volume.voxels.size(), 1);
  const std::vector<PositionSet> positions{{0, {{1, 2, 3}, {3, 2, 1}}}, {1, {{0, 0, 0}}}};
  const std::vector<std::byte> file =
      encode_case(text, std::span(&volume, 1), labels, positions, metadata.recipe);
  seed(folder / "case", 2, file);
  seed(folder / "case-repaired", 3, file);
  StoreIndex index;
  index.cases = {{metadata.info, "case.mvol", file.size(), 1, 2}};
  const std::string index_text = index_to_text(index);
  seed(folder / "index", 0, index_text);
  seed(folder / "index-inside", 1, nlohmann::json::parse(index_text).at("store").dump());
  seed(folder / "metadata", 6, text);
  std::vector<std::int16_t> values(64);
  for (std::size_t at = 0; at < values.size(); ++at) {
    values[at] = static_cast<std::int16_t>(at * at % 50);
  }
  const PackedBlock block = pack_block(std::span<const std::int16_t>(values), {4, 4, 4});
  Bytes shaped{static_cast<std::byte>(block.codec), std::byte{3}, std::byte{3}, std::byte{3}};
  shaped.insert(shaped.end(), block.bytes.begin(), block.bytes.end());
  seed(folder / "block", 4, shaped);
  shaped[0] = static_cast<std::byte>(BlockCodec::kLz4);
  seed(folder / "label-block", 5, shaped);
}

void config_seeds(const fs::path& folder) {
  testing::write_file(
      folder / "plain",
      std::string_view("train:\n  steps: 40  # a comment\n  rate: 1e-3\n  flag: on\n"
                       "  sizes: [1, 2]\n  names: [a, \"b c\"]\nprepare:\n"
                       "  modality: ct\n  spacing_mm: [1, 1, 2.5]\n"));
  testing::write_file(folder / "words",
                      std::string_view("encoder: {name: resnet}\n---\ntrain.steps=7\n"
                                       "train.sizes=[3]\nprepare.crop_to_body=true"));
  testing::write_file(folder / "anchors", std::string_view("a: &x [1, 2]\nb: [*x, *x]\n"));
}

void message_seeds(const fs::path& folder) {
  NiftiHeader nifti;
  nifti.geometry = testing::oblique_grid();
  nifti.transform = "sform";
  nifti.warnings = {"one"};
  const FileRefusal refusal{ErrorCode::kUnreadable, "cut-short", "it ends early", "copy again"};
  WorkerReply reply;
  reply.geometry = testing::oblique_grid();
  reply.warnings = {"one"};
  testing::write_file(folder / "reply", std::string_view(reply_bytes(reply)));
  reply.plain.emplace().slices.resize(2);
  reply.plain->slices[0].coding = {
      {.bits_allocated = 16, .bits_stored = 12, .high_bit = 11}, {-2000, {}}, {2, -1024, false}};
  testing::write_file(folder / "plain", std::string_view(reply_bytes(reply)));
  for (const FileFacts& facts :
       {FileFacts{"x", nifti}, FileFacts{"x", testing::made_header(1)}, FileFacts{"x", refusal}}) {
    std::string bytes;
    write_answers_head({1, false}, bytes);
    write_facts(facts, bytes);
    testing::write_file(folder / ("answers_" + std::to_string(facts.content.index())),
                        std::string_view(bytes));
  }
}

void label_seeds(const fs::path& folder) {
  prepare_dcmtk();
  fs::create_directories(folder);
  for (const char* type : {"BINARY", "FRACTIONAL", "LABELMAP"}) {
    testing::MadeSegmentation made = testing::sample_segmentation(type);
    testing::write_segmentation(folder / type, made);
    if (made.bits > 1) {
      made.rle = true;
      testing::write_segmentation(folder / (std::string(type) + "-rle"), made);
    }
  }
  DcmFileFormat format;
  const fs::path deflated = folder / "deflated";
  if (format.loadFile((folder / "BINARY").c_str()).bad() || format.loadAllDataIntoMemory().bad() ||
      format.saveFile(deflated.c_str(), EXS_DeflatedLittleEndianExplicit).bad()) {
    throw Error(ErrorCode::kInternal, "cannot write the deflated seed");
  }
  testing::write_structure_set(folder / "structures", testing::sample_structures());
}

void npz_seeds(const fs::path& folder) {
  using testing::counted_items;
  using testing::npy;
  for (const bool deflated : {false, true}) {
    seed(folder / (deflated ? "deflated" : "stored"),
         0,
         testing::zip({{"train_images.npy", npy("(2, 2, 3)", counted_items(12))},
                       {"train_labels.npy", npy("(2, 1)", "\x04\x07")},
                       {"test_images.npy", npy("(1, 2, 2, 3)", counted_items(12))},
                       {"test_labels.npy", npy("(1, 1)", "\x01")}},
                      deflated));
  }
  seed(folder / "array", 1, npy("(3,)", counted_items(6), "<i2"));
}

void catalogue_seeds(const fs::path& folder) {
  StampPacker stamps;
  std::vector<PartFile> part;
  for (int slice = 0; slice < 3; ++slice) {
    const std::string name = "IM" + std::to_string(slice);
    stamps.add(name, {1000 + slice, 1'700'000'000'000'000'000 + slice, 77 + slice});
    part.push_back({name, pack_facts({name, testing::made_header(slice)})});
  }
  testing::write_file(folder / "stamps", std::string_view(stamps.bytes()));
  testing::write_file(folder / "part", std::string_view(pack_part(part)));
  const FileRefusal refusal{ErrorCode::kUnreadable, "cut-short", "it ends early", "copy again"};
  part = {{"notes", pack_facts({"notes", refusal})}};
  testing::write_file(folder / "refused", std::string_view(pack_part(part)));
}

void weight_seeds(const fs::path& folder) {
  const auto weights = [&](const std::string& name, const std::string& header, std::size_t data) {
    const std::uint64_t length = header.size();
    std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
    bytes += header + std::string(data, '\1');
    testing::write_file(
        folder / name,
        Bytes(std::as_bytes(std::span(bytes)).begin(), std::as_bytes(std::span(bytes)).end()));
  };
  weights("two",
          R"({"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],)"
          R"("data_offsets":[0,24]},"b":{"dtype":"I64","shape":[],"data_offsets":[24,32]}})",
          32);
  weights("empty", R"({"a":{"dtype":"BF16","shape":[0,3],"data_offsets":[0,0]}})", 0);
  weights("nothing", "{}", 0);
}

void fingerprint_seeds(const fs::path& folder) {
  CaseFingerprint made;
  made.voxels = 60;
  made.slices = {{1, 2, 3.5F, 2}, {4, 5, 6.5F, 1}, {7, 8, 0, 0}};
  made.voxel_digest = "4x3x5:0123456789abcdef";
  made.flags = {"nothing", "", "water"};
  const std::string bytes = fingerprint_to_bytes(made);
  seed(folder / "whole", 0, bytes);
  seed(folder / "content", 1, bytes.substr(0, bytes.size() - sizeof(std::uint64_t)));
}

void dataset_seeds(const fs::path& folder) {
  seed(folder / "nnunet",
       0,
       std::string_view(R"({"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1},)"
                        R"( "numTraining": 2, "file_ending": ".nii.gz"})"));
  seed(
      folder / "msd",
      0,
      std::string_view(R"({"name": "Liver", "modality": {"0": "CT"}, "labels": {"0": "background",)"
                       R"( "1": "liver"}, "numTraining": 2, "training": [{"image":)"
                       R"( "./imagesTr/a_1.nii.gz", "label": "./labelsTr/a_1.nii.gz"}]})"));
  seed(folder / "folds", 1, std::string_view(R"([{"train": ["a_1"], "val": ["b_2"]}])"));
  seed(folder / "split",
       2,
       std::string_view(R"({"train": ["a_1"], "val": ["b_2"], "few_shot": {"1": ["a_1"]}})"));
  seed(folder / "files",
       3,
       std::string_view("image,label,patient,split\nimagesTr/a_1_0000.nii.gz,labelsTr/a_1.nii.gz,"
                        "p1,train\nimagesTr/b_2_0000.nii.gz,labelsTr/b_2.nii.gz,p2,val\n"));
  seed(folder / "classes",
       3,
       std::string_view("case,image,label\na,imagesTr/a_1_0000.nii.gz,0;1\n"
                        "\"b\",imagesTr/b_2_0000.nii.gz,1;0\n"));
  seed(folder / "cases", 4, std::string_view("# two\na_1\nb_2\n"));
}

void volume_header_seeds(const fs::path& folder) {
  testing::write_file(
      folder / "nrrd",
      std::string_view(
          "NRRD0005\n# comment\ntype: short\ndimension: 3\n"
          "space: left-posterior-superior\nsizes: 4 3 2\n"
          "space directions: (0.5,0,0) (0,2,0) (0,0,3)\nkinds: domain domain domain\n"
          "endian: little\nencoding: gzip\nspace origin: (10,20,30)\nkey:=value\n\nx"));
  testing::write_file(
      folder / "meta",
      std::string_view("ObjectType = Image\nNDims = 3\nBinaryData = True\n"
                       "BinaryDataByteOrderMSB = False\nCompressedData = True\n"
                       "CompressedDataSize = 9\nTransformMatrix = 1 0 0 0 1 0 0 0 1\n"
                       "Offset = 10 20 30\nElementSpacing = 0.5 2 3\nDimSize = 4 3 2\n"
                       "ElementType = MET_SHORT\nElementDataFile = LOCAL\nx"));
}

}  // namespace
}  // namespace marrow::fuzzing

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: fuzz_seeds FOLDER\n";
    return EXIT_FAILURE;
  }
  using namespace marrow::fuzzing;
  const std::filesystem::path folder = words[1];
  try {
    nifti_seeds(folder / "nifti");
    dicom_seeds(folder / "dicom");
    picture_seeds(folder / "dicom");
    store_seeds(folder / "store");
    config_seeds(folder / "config");
    message_seeds(folder / "messages");
    catalogue_seeds(folder / "catalogue");
    label_seeds(folder / "labels");
    npz_seeds(folder / "npz");
    fingerprint_seeds(folder / "fingerprints");
    dataset_seeds(folder / "datasets");
    volume_header_seeds(folder / "volume_header");
    weight_seeds(folder / "weights");
  } catch (const std::exception& error) {
    std::cerr << "fuzz_seeds: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
