#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>

#include "io/worker/channel.h"

namespace marrow {

// Opened for reading, so that no pipe is waited for and no symbolic link followed; none when it
// cannot be.
[[nodiscard]] Descriptor open_to_inspect(const std::string& file);

// Opens files of a list some places ahead of where they are needed and has the system read their
// first bytes meanwhile, since a disk answers several requests at once sooner than one after the
// other. Where reading does not wait (files in memory), it only opens each when it is needed.
//
// One for all lists of a process, for it learns from the last ones. Not thread-safe.
class ReadAhead {
 public:
  // `files` must live until finish().
  void start(std::span<const std::string> files);
  // Of the next file.
  [[nodiscard]] Descriptor next();
  void finish();

 private:
  static constexpr std::size_t kFilesAhead = 16;
  static constexpr int kListsBetweenTrials = 16;

  struct Waits {
    long blocks_read = 0;
    long times_waited = 0;
  };

  static Waits waits_so_far();

  std::span<const std::string> files_;
  std::size_t at_ = 0;  // the next file to open
  std::deque<Descriptor> opened_;
  int lists_ahead_ = 1;  // how many more lists to read ahead; the first is a trial
  Waits before_;
};

}  // namespace marrow
