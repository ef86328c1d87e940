// What the parsing child answers, as the program that asked reads it: any std::exception is a
// refusal here.

#include "io/worker/messages.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace marrow;
  fuzzing::FuzzInput input(data, size);
  fuzzing::refusing_anyhow([&] { static_cast<void>(read_request(input.text())); });
  fuzzing::refusing_anyhow([&] {
    const std::string again = reply_bytes(read_reply(input.text()));
    if (reply_bytes(read_reply(again)) != again) {
      __builtin_trap();
    }
  });
  fuzzing::refusing_anyhow([&] {
    ByteReader reader(input.text());
    std::string bytes;
    write_answers_head(read_answers_head(reader), bytes);
    bytes.clear();
    write_facts(read_facts(reader, "x"), bytes);
    ByteReader second(bytes);
    std::string again;
    write_facts(read_facts(second, "x"), again);
    if (again != bytes) {
      __builtin_trap();
    }
  });
  return 0;
}
