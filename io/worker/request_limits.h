#pragma once

#include <cstdint>

namespace marrow {

struct RequestLimits {
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;
  std::int64_t seconds = 120;
  bool test_requests = false;  // io/worker/test_requests.h; for our tests only
};

}  // namespace marrow
