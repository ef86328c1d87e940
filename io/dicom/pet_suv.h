#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include "io/dicom/dicom_header.h"

namespace marrow {

// What turns the rescaled values of a PET slice into body-weight SUV (g/ml): the trait
// "suv_factor", or, where it cannot be computed, the trait "suv_problem": the attribute that is
// missing or has no usable value. Nothing of the patient is kept: the weight goes into the product
// only.
//
//   BQML   weight [g] / (dose [Bq] * decay from injection to the time the pixels are corrected to)
//   GML    1 (the scanner has computed the SUV, by body weight)
//   CNTS   the factor that Philips scanners write, (7053,xx00); else the counts have no meaning
//
// The pixels are corrected to the injection (DecayCorrection ADMIN) or to the start of the scan
// (START): the series' time where it is not after the slice's acquisition; else the private scan
// time of GE; else the acquisition minus the slice's reference time, set back to where the average
// count rate falls. An injection later in the day than the scan was the day before, where only its
// time of day is known.
//
// Source: the vendor-neutral pseudocode of the Quantitative Imaging Biomarkers Alliance for SUV.
// For .cpp files of io/dicom only.
void read_suv(DcmItem& data, DicomHeader& header);

}  // namespace marrow
