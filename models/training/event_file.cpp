#include "models/training/event_file.h"

#include <array>
#include <cstring>
#include <ctime>
#include <fstream>

#include "models/training/event.pb.h"

namespace marrow {

namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78U : 0U);
    }
    table[byte] = value;
  }
  return table;
}

double wall_time() {
  std::timespec now{};
  std::timespec_get(&now, TIME_UTC);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

std::uint32_t masked_crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = crc_table();
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xffU];
  }
  crc ^= 0xffffffffU;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

EventFile::EventFile(const std::filesystem::path& folder)
    : file_(folder / ("events.out.tfevents." +
                      std::to_string(static_cast<std::int64_t>(wall_time())) + ".marrow")) {
  tensorboard::Event event;
  event.set_wall_time(wall_time());
  event.set_file_version("brain.Event:2");
  append(event.SerializeAsString());
}

void EventFile::scalars(std::int64_t step,
                        const std::vector<std::pair<std::string, double>>& values) {
  tensorboard::Event event;
  event.set_wall_time(wall_time());
  event.set_step(step);
  for (const auto& [name, value] : values) {
    tensorboard::Summary::Value* const item = event.mutable_summary()->add_value();
    item->set_tag(name);
    item->set_simple_value(static_cast<float>(value));
  }
  append(event.SerializeAsString());
}

void EventFile::append(const std::string& event) const {
  const std::uint64_t length = event.size();
  std::string header(sizeof length, '\0');
  std::memcpy(header.data(), &length, sizeof length);
  const std::uint32_t header_crc = masked_crc32c(header);
  const std::uint32_t data_crc = masked_crc32c(event);
  std::string record = header;
  record.append(reinterpret_cast<const char*>(&header_crc), sizeof header_crc);
  record += event;
  record.append(reinterpret_cast<const char*>(&data_crc), sizeof data_crc);
  std::ofstream(file_, std::ios::binary | std::ios::app)
      .write(record.data(), static_cast<std::streamsize>(record.size()));
}

}  // namespace marrow
