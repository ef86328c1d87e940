#include "io/worker/messages.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/support/dicom_series.h"

namespace marrow {
namespace {

std::string bytes_of(const FileFacts& facts) {
  std::string bytes;
  write_facts(facts, bytes);
  return bytes;
}

// What arrives on the other side.
FileFacts travelled(const FileFacts& facts) {
  const std::string bytes = bytes_of(facts);
  ByteReader reader(bytes);
  FileFacts back = read_facts(reader, facts.file);
  EXPECT_EQ(reader.rest(), "");
  return back;
}

TEST(WorkerMessages, DicomHeadersArriveWhole) {
  DicomHeader header = testing::made_header(3);
  header.file = "a/b.dcm";
  header.patient_id = "\xff\x01 \xe9";
  header.position = {1.0 / 3, -0.0, std::numeric_limits<double>::quiet_NaN()};
  header.slope = std::numeric_limits<double>::infinity();
  header.traits = {{"mosaic_tiles", "36"}};
  header.frame_table.resize(2);
  header.frame_table[1].labels = {{"echo", "2"}};

  const FileFacts facts = travelled({header.file, header});

  const DicomHeader* back = facts.dicom();
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->file, header.file);
  EXPECT_EQ(back->patient_id, header.patient_id);
  EXPECT_TRUE(std::isnan((*back->position)[2]));
  EXPECT_TRUE(std::isinf(back->slope));
  EXPECT_EQ(back->traits, header.traits);
  EXPECT_EQ(back->frame_table, header.frame_table);
  EXPECT_EQ(bytes_of(facts), bytes_of({header.file, header}));
}

TEST(WorkerMessages, NiftiHeadersAndRefusalsArriveWhole) {
  NiftiHeader header;
  header.geometry = testing::oblique_grid();
  header.volumes = 7;
  header.transform = "qform";
  header.warnings = {"one", "two"};
  const FileRefusal refusal{ErrorCode::kResources, "out-of-memory", "it is large", "buy some"};

  const FileFacts nifti = travelled({"x.nii", header});
  const FileFacts refused = travelled({"x.nii", refusal});

  ASSERT_NE(nifti.nifti(), nullptr);
  EXPECT_EQ(bytes_of(nifti), bytes_of({"x.nii", header}));
  EXPECT_EQ(nifti.nifti()->warnings, header.warnings);
  ASSERT_NE(refused.refusal(), nullptr);
  EXPECT_EQ(refused.refusal()->code, ErrorCode::kResources);
  EXPECT_EQ(refused.refusal()->advice, "buy some");
}

TEST(WorkerMessages, RequestsAndRepliesArriveWhole) {
  const std::vector<std::filesystem::path> files{"a\nb\xff.nii", "c"};
  WorkerReply reply;
  reply.geometry = testing::oblique_grid();
  reply.warnings = {"careful"};

  const WorkerRequest request = read_request(request_bytes(WorkerOperation::kVolume, files, 4));
  const WorkerReply back = read_reply(reply_bytes(reply));

  EXPECT_EQ(request.operation, WorkerOperation::kVolume);
  EXPECT_EQ(request.volume, 4);
  EXPECT_EQ(request.files, (std::vector<std::string>{"a\nb\xff.nii", "c"}));
  EXPECT_FALSE(back.refusal.has_value());
  EXPECT_EQ(geometry_difference(back.geometry, reply.geometry), "");
  EXPECT_EQ(back.warnings, reply.warnings);
}

TEST(WorkerMessages, LabelObjectsAndWhatIsWantedOfThemArriveWhole) {
  const std::vector<std::filesystem::path> files{"seg.dcm"};
  LabelTarget target;
  target.grid_files = {"a\xff.dcm", "b.dcm"};
  target.grid_volume = 2;
  target.values = {{"Le\xe9", 3}, {"tumour", 1}};
  LabelObject object;
  object.kind = LabelObjectKind::kStructureSet;
  object.study_uid = "1.2";
  object.series_uid = "1.3";
  object.instance_uid = "1.4";
  object.frame_of_reference_uids = {"1.5", "1.6"};
  object.referenced_series = {"1.7"};
  object.referenced_instances = {"1.8", "1.9"};
  object.regions = {{-1, "Le\xe9"}, {7, ""}};
  WorkerReply reply;
  reply.object = object;

  const WorkerRequest request =
      read_request(request_bytes(WorkerOperation::kLabels, files, -1, &target));
  const std::string answer = reply_bytes(reply);

  ASSERT_TRUE(request.target.has_value());
  EXPECT_EQ(request.target->grid_files, target.grid_files);
  EXPECT_EQ(request.target->grid_volume, target.grid_volume);
  EXPECT_EQ(request.target->values, target.values);
  EXPECT_EQ(read_reply(answer).object, object);
  for (std::size_t length = 0; length < answer.size(); ++length) {
    EXPECT_THROW((void)read_reply(std::string_view(answer).substr(0, length)), Error) << length;
  }
}

TEST(WorkerMessages, PlainStacksArriveWhole) {
  WorkerReply reply;
  reply.geometry = testing::oblique_grid();
  reply.voxels_at = ~std::uint64_t{0};
  PlainStack stack;
  stack.is_ct = true;
  stack.slices.resize(2);
  stack.slices[1] = {7,
                     std::int64_t{1} << 40,
                     1024,
                     {{.bits_allocated = 16, .bits_stored = 12, .high_bit = 11, .is_signed = true},
                      {-2000, std::nullopt},
                      {1.0 / 3, -1024, true}}};
  stack.slices[0].coding.padding = {std::nullopt, 5};
  reply.plain = stack;

  const std::string answer = reply_bytes(reply);
  const WorkerReply back = read_reply(answer);

  ASSERT_TRUE(back.plain.has_value());
  EXPECT_EQ(back.voxels_at, reply.voxels_at);
  EXPECT_TRUE(back.plain->is_ct);
  EXPECT_EQ(geometry_difference(back.plain->geometry, reply.geometry), "");
  EXPECT_EQ(back.plain->slices, stack.slices);
  for (std::size_t length = 0; length < answer.size(); ++length) {
    EXPECT_THROW((void)read_reply(std::string_view(answer).substr(0, length)), Error) << length;
  }
}

TEST(WorkerMessages, EveryCutIsRefused) {
  const std::string facts = bytes_of({"x", testing::made_header(1)});
  WorkerReply reply;
  reply.geometry = testing::oblique_grid();
  const std::string answer = reply_bytes(reply);

  for (std::size_t length = 0; length < facts.size(); ++length) {
    ByteReader reader(std::string_view(facts).substr(0, length));
    EXPECT_THROW((void)read_facts(reader, "x"), Error) << length;
  }
  for (std::size_t length = 0; length < answer.size(); ++length) {
    EXPECT_THROW((void)read_reply(std::string_view(answer).substr(0, length)), Error) << length;
  }
}

TEST(WorkerMessages, AnswersThatMakeNoSenseAreRefused) {
  const FileRefusal refusal{ErrorCode::kUnreadable, "cut-short", "sentence", ""};
  std::string wrong_kind = bytes_of({"x", refusal});
  std::string wrong_code = wrong_kind;
  wrong_kind[0] = 9;
  wrong_code[1] = 127;
  WorkerReply reply;
  reply.geometry = testing::oblique_grid();
  std::string flat = reply_bytes(reply);
  flat[1] = 0;  // the size along i

  ByteReader kind(wrong_kind);
  ByteReader code(wrong_code);
  EXPECT_THROW((void)read_facts(kind, "x"), Error);
  EXPECT_THROW((void)read_facts(code, "x"), Error);
  EXPECT_THROW((void)read_reply(flat), Error);
  EXPECT_THROW((void)read_reply(reply_bytes(reply) + "more"), Error);
  EXPECT_THROW((void)read_request(request_bytes(WorkerOperation::kInspect, {})), Error);
}

}  // namespace
}  // namespace marrow
