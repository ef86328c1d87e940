#include "volumes/reduction/cosine_scan.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/error.h"

namespace marrow {

namespace {

using Visit = std::function<void(const CosinePair&)>;

struct BlockPair {
  std::int64_t first_left = 0, first_right = 0;
};

// Hands out blocks in order, and lets results pass in that order.
class OrderedBlocks {
 public:
  OrderedBlocks(std::int64_t left, std::int64_t right, CosineBlocks::Pairs pairs)
      : left_(left), right_(right), ascending_(pairs == CosineBlocks::Pairs::kAscending) {}

  struct Turn {
    std::int64_t number = 0;
    BlockPair blocks;
  };

  [[nodiscard]] std::optional<Turn> take() {
    const std::lock_guard lock(mutex_);
    if (failure_ || next_.first_left >= left_ || right_ == 0) {
      return std::nullopt;
    }
    const Turn turn{taken_++, next_};
    next_.first_right += kCosineRightBlock;
    if (next_.first_right >= right_) {
      next_.first_left += kCosineLeftBlock;
      next_.first_right = ascending_ ? next_.first_left / kCosineRightBlock * kCosineRightBlock : 0;
    }
    return turn;
  }

  // Waits until all blocks before this one have passed.
  void pass(std::int64_t number, const std::vector<CosinePair>& pairs, const Visit& visit) {
    std::unique_lock lock(mutex_);
    turn_.wait(lock, [&] { return passed_ == number || failure_; });
    if (failure_) {
      return;
    }
    // Only the one whose turn it is gets here; others may take blocks meanwhile.
    lock.unlock();
    for (const CosinePair& pair : pairs) {
      visit(pair);
    }
    lock.lock();
    ++passed_;
    turn_.notify_all();
  }

  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    failure_ = failure_ ? failure_ : failure;
    turn_.notify_all();
  }

  void rethrow() const {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

 private:
  std::int64_t left_, right_;
  bool ascending_;
  std::mutex mutex_;
  std::condition_variable turn_;
  BlockPair next_;
  std::int64_t taken_ = 0, passed_ = 0;
  std::exception_ptr failure_;
};

void scan_blocks(const UnitRows& left,
                 const UnitRows& right,
                 CosineBlocks::Pairs pairs,
                 const CosineScanOptions& options,
                 const Visit& visit) {
  const CosineKernel& kernel = options.kernel != nullptr ? *options.kernel : best_cosine_kernel();
  CosinePanels panels(kernel, right.dimensions);
  for (std::int64_t n = 0; n < right.count(); ++n) {
    panels.append(right.row(n));
  }
  OrderedBlocks order(left.count(), right.count(), pairs);
  const auto work = [&] {
    try {
      CosineBlocks blocks(kernel, options.threshold, pairs);
      while (const auto turn = order.take()) {
        const auto& [first_left, first_right] = turn->blocks;
        order.pass(turn->number, blocks.find(left, first_left, right, panels, first_right), visit);
      }
    } catch (...) {  // whatever it is, the caller's thread throws it again
      order.fail(std::current_exception());
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int n = 1; n < options.threads; ++n) {
      helpers.emplace_back(work);
    }
    work();
  }
  order.rethrow();
}

void check_scan_options(const CosineScanOptions& options) {
  constexpr int kMostThreads = 256;
  if (!(options.threshold >= -1 && options.threshold <= 1)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("cosine scan: expected a threshold of -1 to 1, found {}", options.threshold));
  }
  if (options.threads < 1 || options.threads > kMostThreads) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "cosine scan: expected 1 to {} threads, found {}", kMostThreads, options.threads));
  }
}

}  // namespace

void for_each_cosine_pair(const UnitRows& rows,
                          const CosineScanOptions& options,
                          const Visit& visit) {
  check_scan_options(options);
  check_unit_rows("cosine scan", rows);
  scan_blocks(rows, rows, CosineBlocks::Pairs::kAscending, options, visit);
}

void for_each_cosine_match(const UnitRows& queries,
                           const UnitRows& base,
                           const CosineScanOptions& options,
                           const Visit& visit) {
  check_scan_options(options);
  check_unit_rows("cosine scan, queries", queries);
  check_unit_rows("cosine scan, base", base);
  if (queries.dimensions != base.dimensions) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("cosine scan: expected queries of the base's {} dimensions, found {}",
                            base.dimensions,
                            queries.dimensions));
  }
  scan_blocks(queries, base, CosineBlocks::Pairs::kAll, options, visit);
}

}  // namespace marrow
