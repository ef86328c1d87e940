#include "io/worker/channel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace marrow {

namespace {

constexpr std::size_t kLongestMessage = std::size_t{64} << 20;
constexpr std::size_t kLengthBytes = 4;

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    descriptor_ = other.release();
  }
  return *this;
}

int Descriptor::release() {
  return std::exchange(descriptor_, -1);
}

void Descriptor::reset() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
}

bool Channel::send(std::string_view message_bytes, int descriptor) {
  if (message_bytes.size() > kLongestMessage) {
    return false;
  }
  std::string framed;
  framed.reserve(kLengthBytes + message_bytes.size());
  for (std::size_t byte = 0; byte < kLengthBytes; ++byte) {
    framed += static_cast<char>(message_bytes.size() >> 8 * byte & 0xFF);
  }
  framed += message_bytes;
  std::string_view left = framed;
  while (!left.empty()) {
    iovec part{const_cast<char*>(left.data()), left.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    if (descriptor >= 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) {
        continue;
      }
      return false;
    }
    descriptor = -1;  // it went with the first byte
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Channel::receive_some() {
  std::array<char, 65536> buffer;
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t count = -1;
  // ECONNRESET, said once, tells that the other end died with messages that it had not read; what
  // it sent before comes after that.
  int resets = 0;
  do {
    count = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); count >= 0 && header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int))) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
      descriptors_.emplace_back(descriptor);
    }
  }
  if (count <= 0) {
    return false;
  }
  pending_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::size_t Channel::wanted() const {
  if (pending_.size() - taken_ < kLengthBytes) {
    return kLengthBytes;
  }
  std::size_t length = 0;
  for (std::size_t byte = kLengthBytes; byte > 0; --byte) {
    length = length << 8 | static_cast<unsigned char>(pending_[taken_ + byte - 1]);
  }
  return kLengthBytes + length;
}

Channel::Received Channel::receive(Clock::time_point deadline) {
  Received received;
  for (;;) {
    const std::size_t whole = wanted();
    const std::size_t here = pending_.size() - taken_;
    if (whole > kLengthBytes + kLongestMessage) {
      return received;
    }
    if (here >= kLengthBytes && here >= whole) {
      received.status = Status::kMessage;
      received.message = pending_.substr(taken_ + kLengthBytes, whole - kLengthBytes);
      taken_ += whole;
      if (!descriptors_.empty()) {
        received.descriptor = std::move(descriptors_.front());
        descriptors_.pop_front();
      }
      return received;
    }
    pending_.erase(0, taken_);
    taken_ = 0;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const auto wait = std::clamp<std::int64_t>(left.count(), 0, 3'600'000);
    pollfd waiting{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(wait));
    if (ready == 0 && Clock::now() >= deadline) {
      received.status = Status::kTimedOut;
      return received;
    }
    if (ready > 0 && !receive_some()) {
      return received;
    }
  }
}

}  // namespace marrow
