#include "io/nifti/gzip_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <isa-l/igzip_lib.h>

#include "io/file_error.h"

namespace marrow {

namespace {

constexpr std::size_t kLargestGzipStep = std::size_t{1} << 30;  // ISA-L counts in 32 bits

std::uint8_t* gzip_octets(std::byte* bytes) {
  return reinterpret_cast<std::uint8_t*>(bytes);
}

void start_gzip_member(inflate_state& state) {
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
}

void give_gzip_input(inflate_state& state, std::span<const std::byte> input) {
  // ISA-L's interface lacks const; it only reads.
  state.next_in = gzip_octets(const_cast<std::byte*>(input.data()));
  state.avail_in = static_cast<std::uint32_t>(input.size());
}

void give_gzip_output(inflate_state& state, std::span<std::byte> output) {
  state.next_out = gzip_octets(output.data());
  state.avail_out = static_cast<std::uint32_t>(output.size());
}

}  // namespace

struct GzipReader::State {
  inflate_state stream;
};

bool is_gzip(std::span<const std::byte> head) {
  return head.size() >= 3 && head[0] == std::byte{0x1f} && head[1] == std::byte{0x8b} &&
         head[2] == std::byte{8};
}

GzipReader::GzipReader(std::span<const std::byte> compressed, std::string name)
    : state_(new State), all_(compressed), name_(std::move(name)) {}

GzipReader::~GzipReader() = default;

void GzipReader::start_member() {
  start_gzip_member(state_->stream);
  in_member_ = true;
}

std::size_t GzipReader::read(std::span<std::byte> out) {
  std::size_t written = 0;
  while (written < out.size() && !finished_) {
    const std::span<const std::byte> rest = all_.subspan(at_);
    if (!in_member_) {
      if (!is_gzip(rest)) {
        trailing_ = rest.size();
        finished_ = true;
        break;
      }
      start_member();
    }
    inflate_state& stream = state_->stream;
    const auto input = rest.first(std::min(rest.size(), kLargestGzipStep));
    const auto output = out.subspan(written, std::min(out.size() - written, kLargestGzipStep));
    give_gzip_input(stream, input);
    give_gzip_output(stream, output);
    const int result = isal_inflate(&stream);
    const std::size_t made = output.size() - stream.avail_out;
    written += made;
    if (result == ISAL_INCORRECT_CHECKSUM) {
      throw FileError(ErrorCode::kUnreadable,
                      "bad-checksum",
                      name_ +
                          ": the gzip checksum does not match the inflated data; copy the file "
                          "again from its source");
    }
    // ISA-L hands bytes back that an earlier call took, so that this may be before where we were.
    // Of damaged data it leaves a wrong count in avail_in.
    const std::ptrdiff_t at = stream.next_in - reinterpret_cast<const std::uint8_t*>(all_.data());
    if (result < 0 || at < 0 || static_cast<std::size_t>(at) > all_.size()) {
      throw FileError(ErrorCode::kUnreadable,
                      "damaged-gzip",
                      name_ +
                          ": expected gzip data, found damage within it; copy the file again "
                          "from its source");
    }
    const bool stuck = made == 0 && static_cast<std::size_t>(at) == at_;
    at_ = static_cast<std::size_t>(at);
    if (stream.block_state == ISAL_BLOCK_FINISH) {
      in_member_ = false;
    } else if (made == 0 && at_ == all_.size()) {
      throw FileError(ErrorCode::kUnreadable,
                      "cut-short",
                      name_ +
                          ": expected more gzip data, but the file ends; copy the file again "
                          "from its source");
    } else if (stuck) {
      throw FileError(ErrorCode::kUnreadable,
                      "damaged-gzip",
                      name_ +
                          ": the gzip data cannot be inflated any further; copy the file again "
                          "from its source");
    }
  }
  return written;
}

std::span<const std::byte> inflate_prefix(std::span<const std::byte> head,
                                          std::span<std::byte> out) {
  // ISA-L inflates tens of thousands of bytes ahead of those it is asked for, if it has them.
  constexpr std::size_t kInputStep = 512;
  const std::unique_ptr<inflate_state> state(new inflate_state);  // 80 KB, not to be cleared
  start_gzip_member(*state);
  give_gzip_output(*state, out);
  for (std::size_t at = 0; at < head.size() && state->avail_out > 0; at += kInputStep) {
    give_gzip_input(*state, head.subspan(at, std::min(kInputStep, head.size() - at)));
    if (isal_inflate(state.get()) < 0 || state->block_state == ISAL_BLOCK_FINISH) {
      break;
    }
  }
  return out.first(out.size() - state->avail_out);
}

}  // namespace marrow
