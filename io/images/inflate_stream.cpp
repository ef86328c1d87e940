#include "io/images/inflate_stream.h"

#include <algorithm>

#include <isa-l/igzip_lib.h>

namespace marrow {

namespace {

constexpr std::uint64_t kPackedPiece = std::uint64_t{256} << 10;
constexpr std::size_t kLargestInflateStep = std::size_t{1} << 30;  // ISA-L counts in 32 bits

}  // namespace

std::span<const std::byte> PackedPieces::from(std::uint64_t offset) {
  if (offset >= packed_) {
    return {};
  }
  if (offset < at_ || offset - at_ >= piece_.size()) {
    piece_.resize(static_cast<std::size_t>(std::min(kPackedPiece, packed_ - offset)));
    at_ = packed_;  // a read that fails leaves no piece
    zip_.read(start_ + offset, piece_);
    at_ = offset;
  }
  return std::span<const std::byte>(piece_).subspan(static_cast<std::size_t>(offset - at_));
}

const std::uint64_t InflateStream::kBytes = sizeof(inflate_state);

InflateStream::InflateStream() : state_(new inflate_state) {  // 80 KB, not to be cleared
  isal_inflate_init(state_.get());
  state_->crc_flag = ISAL_DEFLATE;
}

InflateStream::~InflateStream() = default;
InflateStream::InflateStream(InflateStream&&) noexcept = default;
InflateStream& InflateStream::operator=(InflateStream&&) noexcept = default;

// The only pointers in the state are those to input and output, which read() sets.
InflateStream::InflateStream(const InflateStream& other)
    : state_(new inflate_state(*other.state_)), at_(other.at_) {}

InflateStream& InflateStream::operator=(const InflateStream& other) {
  *state_ = *other.state_;
  at_ = other.at_;
  return *this;
}

std::size_t InflateStream::read(PackedPieces& pieces, std::span<std::byte> out) {
  std::size_t written = 0;
  while (written < out.size() && state_->block_state != ISAL_BLOCK_FINISH) {
    const std::span<const std::byte> input = pieces.from(at_);
    const auto output = out.subspan(written, std::min(out.size() - written, kLargestInflateStep));
    // ISA-L's interface lacks const; it only reads.
    auto* const first = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(input.data()));
    state_->next_in = first;
    state_->avail_in = static_cast<std::uint32_t>(input.size());
    state_->next_out = reinterpret_cast<std::uint8_t*>(output.data());
    state_->avail_out = static_cast<std::uint32_t>(output.size());
    const int result = isal_inflate(state_.get());
    const std::ptrdiff_t taken = state_->next_in - first;
    const std::size_t made = output.size() - state_->avail_out;
    if (result < 0 || taken < 0 || static_cast<std::size_t>(taken) > input.size() ||
        (taken == 0 && made == 0 && state_->block_state != ISAL_BLOCK_FINISH)) {
      break;
    }
    at_ += static_cast<std::uint64_t>(taken);
    written += made;
  }
  return written;
}

bool InflateStream::ended_at(std::uint64_t packed) const {
  // Whole bytes that were taken but belong to what follows the data.
  const int ahead = std::max(state_->read_in_length, 0) / 8;
  return state_->block_state == ISAL_BLOCK_FINISH &&
         at_ == packed + static_cast<std::uint64_t>(ahead);
}

}  // namespace marrow
