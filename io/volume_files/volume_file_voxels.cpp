#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>
#include <itkMetaImageIO.h>
#include <itkNrrdImageIO.h>
#include <libdeflate.h>

#include "io/file_error.h"
#include "io/nifti/nifti.h"
#include "io/nifti/nifti_voxels.h"
#include "io/volume_files/header_text.h"
#include "io/volume_files/volume_file.h"
#include "io/voxel_checks.h"

namespace marrow {

namespace {

struct StoredVoxels {
  NiftiHeader layout;  // type and byte order, for the conversions of the NIfTI reader
  std::vector<std::byte> raw;
};

// The reader of one format by its class: what a factory would choose by looking at the file is not
// wanted here.
itk::ImageIOBase::Pointer itk_reader(const VolumeFileHeader& header) {
  if (header.format == "nrrd") {
    return itk::NrrdImageIO::New().GetPointer();
  }
  return itk::MetaImageIO::New().GetPointer();
}

int itk_datatype(itk::IOComponentEnum type) {
  switch (type) {
    case itk::IOComponentEnum::CHAR:
      return 256;
    case itk::IOComponentEnum::UCHAR:
      return 2;
    case itk::IOComponentEnum::SHORT:
      return 4;
    case itk::IOComponentEnum::USHORT:
      return 512;
    case itk::IOComponentEnum::INT:
      return 8;
    case itk::IOComponentEnum::UINT:
      return 768;
    case itk::IOComponentEnum::LONG:
    case itk::IOComponentEnum::LONGLONG:
      return 1024;
    case itk::IOComponentEnum::ULONG:
    case itk::IOComponentEnum::ULONGLONG:
      return 1280;
    case itk::IOComponentEnum::FLOAT:
      return 16;
    case itk::IOComponentEnum::DOUBLE:
      return 64;
    default:
      return 0;
  }
}

Geometry itk_geometry(const itk::ImageIOBase& reader) {
  Size3 size{};
  Eigen::Vector3d spacing;
  Eigen::Vector3d origin;
  Eigen::Matrix3d direction;
  for (unsigned axis = 0; axis < 3; ++axis) {
    size[axis] = static_cast<std::int64_t>(reader.GetDimensions(axis));
    spacing[axis] = reader.GetSpacing(axis);
    origin[axis] = reader.GetOrigin(axis);
    const std::vector<double> column = reader.GetDirection(axis);
    for (unsigned row = 0; row < 3; ++row) {
      direction(row, axis) = column.at(row);
    }
  }
  Eigen::Matrix4d affine = Eigen::Matrix4d::Identity();
  affine.topLeftCorner<3, 3>() = direction * spacing.asDiagonal();
  affine.topRightCorner<3, 1>() = origin;
  return geometry_from_affine(size, affine);
}

// Two readers of one header that disagree are a fault of one of them: nothing is read then.
void check_agreement(const itk::ImageIOBase& reader,
                     const VolumeFileHeader& header,
                     const std::string& name) {
  std::string difference;
  if (reader.GetNumberOfDimensions() != 3 || reader.GetNumberOfComponents() != 1) {
    difference = fmt::format("{} dimensions of {} values a voxel",
                             reader.GetNumberOfDimensions(),
                             reader.GetNumberOfComponents());
  } else if (itk_datatype(reader.GetComponentType()) != header.datatype) {
    difference = "another type of voxels";
  } else {
    difference = geometry_difference(header.geometry, itk_geometry(reader));
  }
  if (!difference.empty()) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "ambiguous-header",
                       name,
                       "the header can be read in two ways: " + difference +
                           "; write the volume again with another program");
  }
}

// Swaps the bytes of every voxel.
void swap_voxels(std::vector<std::byte>& raw, std::int64_t voxel_bytes) {
  for (auto voxel = raw.begin(); voxel_bytes > 1 && voxel != raw.end(); voxel += voxel_bytes) {
    std::reverse(voxel, voxel + voxel_bytes);
  }
}

// Where ITK cannot inflate it hands out zeros and says so on the console only.
void check_sum(StoredVoxels& stored, const VolumeFile& file, std::uint32_t expected) {
  const bool swapped = file.header().big_endian != (std::endian::native == std::endian::big);
  const std::int64_t voxel_bytes = stored_voxel_bytes(file.header());
  if (swapped) {
    swap_voxels(stored.raw, voxel_bytes);
  }
  if (libdeflate_crc32(0, stored.raw.data(), stored.raw.size()) != expected) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "unreadable",
                       file.name(),
                       "expected ITK to read the voxels that are stored, found others; write the "
                       "volume again with another program");
  }
  if (swapped) {
    swap_voxels(stored.raw, voxel_bytes);
  }
}

StoredVoxels read_with_itk(const VolumeFile& file, std::uint64_t max_bytes) {
  const std::uint32_t expected = file.check_voxels(max_bytes);
  StoredVoxels stored;
  stored.layout.datatype = file.header().datatype;
  stored.layout.big_endian = std::endian::native == std::endian::big;  // ITK has swapped
  try {
    const itk::ImageIOBase::Pointer reader = itk_reader(file.header());
    reader->SetFileName(file.path().string());
    reader->ReadImageInformation();
    check_agreement(*reader, file.header(), file.name());
    itk::ImageIORegion region(3);
    for (unsigned axis = 0; axis < 3; ++axis) {
      region.SetSize(axis, reader->GetDimensions(axis));
    }
    reader->SetIORegion(region);
    stored.raw.resize(stored_volume_bytes(file.header()));
    reader->Read(stored.raw.data());
  } catch (const itk::ExceptionObject& error) {
    refuse_volume_file(ErrorCode::kUnreadable,
                       "unreadable",
                       file.name(),
                       std::string("the voxels cannot be read: ") + error.GetDescription());
  }
  check_sum(stored, file, expected);
  return stored;
}

}  // namespace

VolumeFileImage read_volume_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const VolumeFile file(path);
  const StoredVoxels stored = read_with_itk(file, max_bytes);
  VolumeFileImage image{make_grid<float>(file.header().geometry), file.header().warnings};
  VoxelCounts counts;
  convert_nifti_voxels(stored.layout, stored.raw, image.volume.voxels, counts);
  check_image_voxels(image.volume, counts, file.name(), image.warnings);
  return image;
}

VolumeFileLabels read_volume_file_labels(const std::filesystem::path& path,
                                         std::uint64_t max_bytes) {
  const VolumeFile file(path);
  StoredVoxels stored = read_with_itk(file, max_bytes);
  VolumeFileLabels result{make_grid<std::uint16_t>(file.header().geometry), file.header().warnings};
  stored.layout.geometry = file.header().geometry;  // for the place of a bad voxel
  convert_nifti_labels(stored.layout, stored.raw, result.labels.voxels, 0, file.name());
  return result;
}

}  // namespace marrow
