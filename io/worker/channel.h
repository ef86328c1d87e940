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

// Lines of text over a local stream socket, each with at most one descriptor passed along.
class Channel {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Status { kLine, kClosed, kTimedOut };

  struct Received {
    Status status = Status::kClosed;
    std::string line;       // without the line end
    Descriptor descriptor;  // the one that came with it, if any
  };

  Channel() = default;

  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] bool open() const { return static_cast<bool>(socket_); }

  // False when the other side is gone (or, where a send timeout is set on the socket, does not take
  // it).
  [[nodiscard]] bool send(std::string_view line, int descriptor = -1);
  // Waits for a whole line until `deadline`. A line longer than 256 MiB counts as closed.
  [[nodiscard]] Received receive(Clock::time_point deadline);

 private:
  // False at the end of the stream.
  [[nodiscard]] bool receive_some();

  Descriptor socket_;
  std::string pending_;
  std::size_t searched_ = 0;
  std::deque<Descriptor> descriptors_;
};

}  // namespace marrow
