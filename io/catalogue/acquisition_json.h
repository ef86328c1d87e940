#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/records.h"

namespace marrow {

// The facts of a series under the names of the Brain Imaging Data Structure, with its units (times
// in seconds), as converters write them beside a NIfTI file: Modality, Manufacturer,
// ManufacturersModelName, MagneticFieldStrength, EchoTime, RepetitionTime, InversionTime,
// FlipAngle, ScanningSequence, SequenceVariant, SequenceName, MRAcquisitionType, ImageType,
// SliceThickness, SpacingBetweenSlices, ConvolutionKernel, KVP, BodyPart, PatientPosition,
// ContrastAgent and LossyImageCompression (true), Units, DiffusionBValue; only those that the
// header says. No date, no time of day, nothing of the patient.
[[nodiscard]] nlohmann::json acquisition_json(const SeriesRecord& record);

}  // namespace marrow
