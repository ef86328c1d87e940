// marrow-worker: parses untrusted image files for the program that started it, under limits.
// Started by WorkerClient with a socket as descriptor 3; of no use by hand.

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <string_view>
#include <unistd.h>

#include "core/files.h"
#include "io/worker/channel.h"
#include "io/worker/child_process.h"
#include "io/worker/limits.h"
#include "io/worker/messages.h"
#include "io/worker/requests.h"

namespace {

constexpr int kBadUsage = 2;

template <class Integer>
bool read_option(std::string_view argument, std::string_view name, Integer& value) {
  if (!argument.starts_with(name)) {
    return false;
  }
  argument.remove_prefix(name.size());
  const auto [end, failure] =
      std::from_chars(argument.data(), argument.data() + argument.size(), value);
  return failure == std::errc{} && end == argument.data() + argument.size();
}

// DCMTK's dictionary is the one shipped beside the program, else the system's; never one that the
// environment names.
void choose_dictionary() {
  unsetenv("DCMDICTPATH");  // NOLINT(concurrency-mt-unsafe): no other thread runs yet
  const std::filesystem::path shipped = marrow::executable_folder() / "dicom.dic";
  std::error_code failure;
  if (std::filesystem::is_regular_file(shipped, failure)) {
    setenv("DCMDICTPATH", shipped.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  }
}

int serve(const marrow::RequestLimits& limits) {
  marrow::Channel channel{marrow::Descriptor(marrow::kWorkerSocket)};
  if (!channel.send(marrow::kWorkerHello)) {
    return 0;
  }
  for (;;) {
    const auto request = channel.receive(marrow::Channel::Clock::now() + std::chrono::hours(1));
    if (request.status == marrow::Channel::Status::kClosed) {
      return 0;
    }
    if (request.status == marrow::Channel::Status::kMessage &&
        !marrow::answer_request(request.message, limits, channel)) {
      return 0;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  marrow::RequestLimits limits;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--test-requests") {
      limits.test_requests = true;
    } else if (!read_option(argument, "--memory=", limits.memory_bytes) &&
               !read_option(argument, "--seconds=", limits.seconds)) {
      std::fputs("marrow-worker: started by marrow itself, not by hand\n", stderr);
      return kBadUsage;
    }
  }
  // Ctrl-C reaches the whole foreground group; the program decides when its child ends.
  std::signal(SIGINT, SIG_IGN);
  try {
    choose_dictionary();
    marrow::enter_sandbox(limits.memory_bytes);
    return serve(limits);
  } catch (const std::bad_alloc&) {
    return marrow::kWorkerOutOfMemory;
  } catch (const std::exception& error) {
    std::fputs(error.what(), stderr);
    return 1;
  }
}
