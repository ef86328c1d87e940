#pragma once

namespace marrow {

// One list of the fields of what is known of a file, for whatever writes or reads them (messages to
// the parsing child, the catalogue): `visit(name, field)` is called once per field, in an order
// that stays. DicomHeader::file and ::frame are not among them.
template <class Header, class Visit>
void visit_dicom_fields(Header& header, Visit&& visit) {
  visit("patient_id", header.patient_id);
  visit("patient_name", header.patient_name);
  visit("study_uid", header.study_uid);
  visit("series_uid", header.series_uid);
  visit("instance_uid", header.instance_uid);
  visit("frame_of_reference_uid", header.frame_of_reference_uid);
  visit("sop_class_uid", header.sop_class_uid);
  visit("transfer_syntax_uid", header.transfer_syntax_uid);
  visit("modality", header.modality);
  visit("image_type", header.image_type);
  visit("rows", header.rows);
  visit("columns", header.columns);
  visit("frames", header.frames);
  visit("samples_per_pixel", header.samples_per_pixel);
  visit("bits_allocated", header.bits_allocated);
  visit("bits_stored", header.bits_stored);
  visit("high_bit", header.high_bit);
  visit("pixel_representation", header.pixel_representation);
  visit("photometric", header.photometric);
  visit("position", header.position);
  visit("orientation", header.orientation);
  visit("pixel_spacing", header.pixel_spacing);
  visit("slope", header.slope);
  visit("intercept", header.intercept);
  visit("pixel_bytes", header.pixel_bytes);
  visit("pixel_offset", header.pixel_offset);
  visit("has_pixel_data", header.has_pixel_data);
  visit("gantry_tilt_degrees", header.gantry_tilt_degrees);
  visit("instance_number", header.instance_number);
  visit("acquisition_number", header.acquisition_number);
  visit("echo", header.echo);
  visit("b_value", header.b_value);
  visit("temporal_position", header.temporal_position);
  visit("image_comments", header.image_comments);
  visit("facts", header.facts);
  visit("traits", header.traits);
  visit("frame_table", header.frame_table);
}

template <class Frame, class Visit>
void visit_frame_fields(Frame& frame, Visit&& visit) {
  visit("position", frame.position);
  visit("orientation", frame.orientation);
  visit("pixel_spacing", frame.pixel_spacing);
  visit("slope", frame.slope);
  visit("intercept", frame.intercept);
  visit("labels", frame.labels);
}

template <class Header, class Visit>
void visit_nifti_fields(Header& header, Visit&& visit) {
  visit("geometry", header.geometry);
  visit("volumes", header.volumes);
  visit("datatype", header.datatype);
  visit("slope", header.slope);
  visit("intercept", header.intercept);
  visit("scaled", header.scaled);
  visit("big_endian", header.big_endian);
  visit("version", header.version);
  visit("data_offset", header.data_offset);
  visit("transform", header.transform);
  visit("warnings", header.warnings);
}

template <class Header, class Visit>
void visit_volume_file_fields(Header& header, Visit&& visit) {
  visit("format", header.format);
  visit("geometry", header.geometry);
  visit("volumes", header.volumes);
  visit("datatype", header.datatype);
  visit("big_endian", header.big_endian);
  visit("encoding", header.encoding);
  visit("data_file", header.data_file);
  visit("data_offset", header.data_offset);
  visit("packed_bytes", header.packed_bytes);
  visit("segmentation", header.segmentation);
  visit("warnings", header.warnings);
}

}  // namespace marrow
