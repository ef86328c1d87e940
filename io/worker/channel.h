#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace marrow {

// A file descriptor that is closed with its owner; -1 is none.
class Descriptor {
 public:
  Descriptor() = default;

  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}

  ~Descriptor() { reset(); }

  Descriptor(Descriptor&& other) noexcept : descriptor_(other.release()) {}

  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const { return descriptor_; }

  [[nodiscard]] explicit operator bool() const { return descriptor_ >= 0; }

  [[nodiscard]] int release();
  void reset();

 private:
  int descriptor_ = -1;
};

// Messages of any bytes over a local stream socket, each with its length in front and at most one
// descriptor passed along.
class Channel {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Status { kMessage, kClosed, kTimedOut };

  struct Received {
    Status status = Status::kClosed;
    std::string message;
    Descriptor descriptor;  // the one that came with it, if any
  };

  Channel() = default;

  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] bool open() const { return static_cast<bool>(socket_); }

  // False when the other side is gone (or, where a send timeout is set on the socket, does not take
  // it).
  [[nodiscard]] bool send(std::string_view message, int descriptor = -1);
  // Waits for a whole message until `deadline`. One longer than 64 MiB counts as closed.
  [[nodiscard]] Received receive(Clock::time_point deadline);

 private:
  // False at the end of the stream.
  [[nodiscard]] bool receive_some();
  // How long the first pending message is with its length, as far as that is known.
  [[nodiscard]] std::size_t wanted() const;

  Descriptor socket_;
  std::string pending_;
  std::size_t taken_ = 0;  // of pending_, by earlier messages
  std::deque<Descriptor> descriptors_;
};

}  // namespace marrow
