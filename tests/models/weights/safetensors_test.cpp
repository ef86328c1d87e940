#include "models/weights/safetensors.h"

#include <cstring>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/error.h"
#include "core/files.h"
#include "core/rng.h"

namespace marrow {
namespace {

TensorFile sample() {
  TensorFile file;
  file.tensors.emplace_back("a.weight", torch::arange(24, at::kFloat).reshape({2, 3, 4}));
  file.tensors.emplace_back("b", torch::tensor({1, -2, 3}, at::kLong));
  file.tensors.emplace_back("c.flag", torch::tensor({true, false}));
  file.tensors.emplace_back("d.half", torch::ones({5}, at::kBFloat16));
  file.tensors.emplace_back("e.scalar", torch::tensor(2.5, at::kDouble));
  file.tensors.emplace_back("f.empty", torch::empty({0, 3}));
  file.metadata = {{"config", "a: 1\nb: \"x\"\n"}};
  return file;
}

TEST(Safetensors, GivesBackEveryTensorAndText) {
  const TemporaryFolder folder;
  write_safetensors(folder.path() / "x.safetensors", sample());
  const TensorFile back = read_safetensors(folder.path() / "x.safetensors");

  ASSERT_EQ(back.tensors.size(), 6U);
  for (const auto& [name, tensor] : sample().tensors) {
    ASSERT_TRUE(back.find(name).defined()) << name;
    EXPECT_EQ(back.find(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(back.find(name), tensor)) << name;
  }
  EXPECT_EQ(back.metadata, sample().metadata);
}

TEST(Safetensors, WritesChannelsLastWeightsInTheirLogicalOrder) {
  const TemporaryFolder folder;
  const at::Tensor weight = torch::randn({3, 2, 3, 3, 3});
  TensorFile file;
  file.tensors.emplace_back("w", weight.contiguous(at::MemoryFormat::ChannelsLast3d));
  write_safetensors(folder.path() / "x.safetensors", file);

  EXPECT_TRUE(at::equal(read_safetensors(folder.path() / "x.safetensors").find("w"), weight));
}

TEST(Safetensors, RefusesReservedAndRepeatedNames) {
  const TemporaryFolder folder;
  TensorFile file;
  file.tensors.emplace_back("x", torch::ones({1}));
  file.tensors.emplace_back("x", torch::ones({1}));
  EXPECT_THROW(write_safetensors(folder.path() / "x", file), Error);
  file.tensors = {{"__metadata__", torch::ones({1})}};
  EXPECT_THROW(write_safetensors(folder.path() / "x", file), Error);
}

void write_raw(const std::filesystem::path& path,
               const std::string& header,
               const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  write_atomically(path, bytes + header + data);
}

TEST(Safetensors, RefusesMalformedHeaders) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "x.safetensors";
  const std::string four(4, '\0');
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
       four},  // size and offsets differ
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
       four + "x"},  // bytes left over
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", four + four},  // a gap
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
       "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
       four},  // an overlap
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
       "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
       four + four},  // a name twice
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", four},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}",
       four},
      // sizes that LibTorch cannot multiply, beside one of 0
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,18446744073709551615],\"data_offsets\":[0,0]}}", ""},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4294967296,4294967296],\"data_offsets\":[0,0]}}",
       ""},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}",
       four},  // an unknown key
      {"[1]", ""},
      {"{", ""},
      {"{\"__metadata__\":{\"a\":1}}", ""},
  };
  for (const auto& [header, data] : bad) {
    write_raw(path, header, data);
    EXPECT_THROW(static_cast<void>(read_safetensors(path)), Error) << header;
  }
  write_raw(path, "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}}", four);
  try {
    static_cast<void>(read_safetensors(path));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  }
}

TEST(Safetensors, AHeaderOfManyNamesIsReadInTimeThatGrowsWithItsLength) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "x.safetensors";
  constexpr int kNames = 300'000;  // looking each up among all before it would take minutes
  std::string header = "{\"__metadata__\":{";
  for (int i = 0; i < kNames; ++i) {
    header += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":\"\"";
  }
  write_raw(path, header + "}}", "");

  EXPECT_EQ(read_safetensors_metadata(path).size(), std::size_t{kNames});
}

TEST(Safetensors, NoDamageIsAccepted) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "x.safetensors";
  write_safetensors(path, sample());
  const std::string whole = read_text(path);
  Rng rng(9);
  // Every cut, and a flipped bit anywhere in length, names, shapes, offsets or data.
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    write_atomically(path, std::string_view(whole).substr(0, cut));
    EXPECT_THROW(static_cast<void>(read_safetensors(path)), Error) << "cut at " << cut;
  }
  const std::size_t data_bytes = 24 * 4 + 3 * 8 + 2 + 5 * 2 + 8;
  for (std::size_t at = whole.size() - data_bytes; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << rng.below(8)));
    write_atomically(path, flipped);
    EXPECT_THROW(static_cast<void>(read_safetensors(path)), Error) << "bit flipped in byte " << at;
  }
}

}  // namespace
}  // namespace marrow
