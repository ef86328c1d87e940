#include "io/dicom/dicom_picture.h"

#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <gmock/gmock.h>

#include "core/error.h"
#include "core/files.h"
#include "io/dicom/dcmtk_session.h"
#include "io/worker/worker_client.h"
#include "tests/support/dicom_made.h"
#include "tests/support/jpeg_stream.h"

namespace marrow {

namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::put_text;

constexpr std::uint64_t kMemory = std::uint64_t{1} << 30;

class DicomPictures : public ::testing::Test {
 protected:
  void SetUp() override { prepare_dcmtk(); }

  DcmDataset& data() { return *format_.getDataset(); }

  void start(const char* sop_class, const char* modality, int rows, int columns) {
    testing::start_image(data(), rows, columns);
    put_text(data(), DCM_SOPClassUID, sop_class);
    put_text(data(), DCM_Modality, modality);
  }

  void put16(const DcmTagKey& tag, int value) {
    ASSERT_TRUE(data().putAndInsertUint16(tag, static_cast<Uint16>(value)).good());
  }

  void bits(int allocated, int stored) {
    put16(DCM_BitsAllocated, allocated);
    put16(DCM_BitsStored, stored);
    put16(DCM_HighBit, stored - 1);
  }

  // A coloured secondary capture of 8 bits.
  void start_colour(const char* photometric, int rows, int columns, bool planar = false) {
    start(UID_SecondaryCaptureImageStorage, "OT", rows, columns);
    bits(8, 8);
    put16(DCM_SamplesPerPixel, 3);
    put16(DCM_PlanarConfiguration, planar ? 1 : 0);
    put_text(data(), DCM_PhotometricInterpretation, photometric);
  }

  void put_bytes(const std::vector<Uint8>& bytes) {
    ASSERT_TRUE(data().putAndInsertUint8Array(DCM_PixelData, bytes.data(), bytes.size()).good());
  }

  std::filesystem::path save(E_TransferSyntax syntax = EXS_LittleEndianExplicit) {
    return testing::save_image(
        format_, folder_.path() / (std::to_string(++count_) + ".dcm"), syntax);
  }

  static VoxelVector<float> values(const std::filesystem::path& file, std::int64_t channel = -1) {
    const DicomHeader header = read_dicom_header(file);
    EXPECT_TRUE(is_dicom_picture(header));
    return read_dicom_picture(header, channel, kMemory).voxels;
  }

  static std::string refusal(const std::filesystem::path& file, std::int64_t channel = -1) {
    try {
      static_cast<void>(read_dicom_picture(read_dicom_header(file), channel, kMemory));
    } catch (const Error& error) {
      return std::string(error.what()).substr(0, std::string(error.what()).find(':'));
    }
    return "none";
  }

  DcmFileFormat format_;
  TemporaryFolder folder_;
  int count_ = 0;
};

TEST_F(DicomPictures, OfRadiographsAreUprightAndSpacedAsTheDetectorSays) {
  start(UID_DigitalXRayImageStorageForPresentation, "DX", 1, 4);
  bits(16, 12);
  put_text(data(), DCM_PhotometricInterpretation, "MONOCHROME1");
  put_text(data(), DCM_PresentationLUTShape, "INVERSE");
  put_text(data(), DCM_ImagerPixelSpacing, "0.2\\0.15");
  testing::put_pixels(data(), {0, 1, 4000, 4095});
  const auto file = save();

  const Volume picture = read_dicom_picture(read_dicom_header(file), -1, kMemory);

  EXPECT_THAT(picture.voxels, ElementsAre(4095, 4094, 95, 0));
  EXPECT_EQ(picture.geometry.size, (Size3{4, 1, 1}));
  EXPECT_TRUE(picture.geometry.spacing.isApprox(Eigen::Vector3d(0.15, 0.2, 1)));
  EXPECT_EQ(geometry_difference(picture.geometry, dicom_picture_geometry(read_dicom_header(file))),
            "");
}

TEST_F(DicomPictures, AreTurnedOnceWhicheverAttributeSaysSo) {
  for (const auto& [photometric, shape, inverse] : {std::tuple("MONOCHROME2", "IDENTITY", false),
                                                    std::tuple("MONOCHROME2", "INVERSE", true),
                                                    std::tuple("MONOCHROME1", "IDENTITY", true)}) {
    start(UID_ComputedRadiographyImageStorage, "CR", 1, 2);
    bits(16, 10);
    put_text(data(), DCM_PhotometricInterpretation, photometric);
    put_text(data(), DCM_PresentationLUTShape, shape);
    put_text(data(), DCM_RescaleSlope, "2");
    put_text(data(), DCM_RescaleIntercept, "-10");
    put_text(data(), DCM_PixelSpacing, "0.1\\0.1");
    put_text(data(), DCM_ImagerPixelSpacing, "0.2\\0.2");
    testing::put_pixels(data(), {3, 1023});

    const auto file = save();

    EXPECT_THAT(values(file), inverse ? ElementsAre(2030, -10) : ElementsAre(-4, 2036));
    EXPECT_NEAR(dicom_picture_geometry(read_dicom_header(file)).spacing[0], 0.1, 1e-12);
  }
}

TEST_F(DicomPictures, OfColourHaveThreeChannelsAndALuma) {
  const std::vector<Uint8> interleaved{255, 0, 0, 10, 20, 30, 7, 7, 7, 0, 0, 255};
  const std::vector<Uint8> planar{255, 10, 7, 0, 0, 20, 7, 0, 0, 30, 7, 255};
  for (const bool is_planar : {false, true}) {
    start_colour("RGB", 2, 2, is_planar);
    put_bytes(is_planar ? planar : interleaved);
    const auto file = save();

    EXPECT_THAT(values(file, 0), ElementsAre(255, 10, 7, 0));
    EXPECT_THAT(values(file, 2), ElementsAre(0, 30, 7, 255));
    EXPECT_FLOAT_EQ(values(file)[0], 0.299F * 255);
    EXPECT_EQ(values(file)[2], 7);
    EXPECT_EQ(refusal(file, 3), "no-such-volume");
  }
}

// Pure red, grey and blue of full range, as PS3.3 C.7.6.3.1.2 makes them.
TEST_F(DicomPictures, OfYbrBecomeRgb) {
  start_colour("YBR_FULL", 1, 4);
  put_bytes({76, 85, 255, 128, 128, 128, 29, 255, 107, 255, 128, 128});
  const auto file = save();

  EXPECT_THAT(values(file, 0), ElementsAre(254, 128, 0, 255));
  EXPECT_THAT(values(file, 1), ElementsAre(0, 128, 0, 255));
  EXPECT_THAT(values(file, 2), ElementsAre(0, 128, 254, 255));
}

// As scanners of photographs store them: YBR inside the stream and in the header.
TEST_F(DicomPictures, OfJpegColoursAreRgbAgain) {
  start_colour("YBR_FULL_422", 16, 16);
  testing::Bytes stream = testing::jpeg_bytes(16, 16, {200, 40, 60});
  stream.resize(stream.size() + stream.size() % 2);
  auto* const sequence = new DcmPixelSequence(DcmTag(DCM_PixelData, EVR_OB));
  sequence->insert(new DcmPixelItem(DcmTag(DCM_Item, EVR_OB)));
  auto* const item = new DcmPixelItem(DcmTag(DCM_Item, EVR_OB));
  ASSERT_TRUE(
      item->putUint8Array(reinterpret_cast<const Uint8*>(stream.data()), stream.size()).good());
  sequence->insert(item);
  auto* const pixels = new DcmPixelData(DCM_PixelData);
  pixels->putOriginalRepresentation(EXS_JPEGProcess1, nullptr, sequence);
  ASSERT_TRUE(data().insert(pixels, OFTrue).good());
  const auto file = save(EXS_JPEGProcess1);

  EXPECT_NEAR(values(file, 0)[37], 200, 3);
  EXPECT_NEAR(values(file, 1)[37], 40, 3);
  EXPECT_NEAR(values(file, 2)[37], 60, 3);
}

TEST_F(DicomPictures, ThatAreNoPicturesAreRefusedWithAReason) {
  start(UID_SecondaryCaptureImageStorage, "OT", 1, 2);
  put_text(data(), DCM_PhotometricInterpretation, "PALETTE COLOR");
  testing::put_pixels(data(), {0, 1});
  EXPECT_EQ(refusal(save()), "palette");

  put_text(data(), DCM_PhotometricInterpretation, "MONOCHROME2");
  put_text(data(), DCM_NumberOfFrames, "2");
  testing::put_pixels(data(), {0, 1, 2, 3});
  EXPECT_EQ(refusal(save()), "several-frames");

  put_text(data(), DCM_NumberOfFrames, "1");
  put_text(data(), DCM_RescaleSlope, "0");
  put_text(data(), DCM_RescaleIntercept, "0");
  testing::put_pixels(data(), {0, 1});
  EXPECT_EQ(refusal(save()), "bad-rescale");

  start_colour("HSV", 1, 2);
  put_bytes({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(refusal(save()), "colour");
}

TEST_F(DicomPictures, CutAnywhereAreRefused) {
  start_colour("RGB", 2, 3);
  put_bytes(std::vector<Uint8>(18, 200));
  const auto whole = read_text(save());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = folder_.path() / "cut.dcm";
    testing::write_file(cut, std::string_view(whole).substr(0, size));
    EXPECT_NE(refusal(cut), "none") << size;
  }
}

TEST_F(DicomPictures, ComeThroughTheChildAndASliceOfAVolumeDoesNot) {
  start(UID_DigitalMammographyXRayImageStorageForPresentation, "MG", 1, 3);
  testing::put_pixels(data(), {1, 2, 3});
  const std::vector<std::filesystem::path> picture{save()};
  start(UID_CTImageStorage, "CT", 1, 3);
  put_text(data(), DCM_ImagePositionPatient, "0\\0\\0");
  put_text(data(), DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0");
  put_text(data(), DCM_PixelSpacing, "1\\1");
  const std::vector<std::filesystem::path> slice{save()};
  WorkerClient client;

  EXPECT_THAT(client.volume(picture).voxels, ElementsAre(1, 2, 3));
  EXPECT_EQ(client.geometry(picture).size, (Size3{3, 1, 1}));
  EXPECT_THAT(error_of(ErrorCode::kUnsupported, [&] { (void)client.volume(slice); }),
              HasSubstr("one slice"));
}

}  // namespace

}  // namespace marrow
