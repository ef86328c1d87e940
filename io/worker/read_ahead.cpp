#include "io/worker/read_ahead.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <utility>

namespace marrow {

Descriptor open_to_inspect(const std::string& file) {
  return Descriptor(
      ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY));
}

ReadAhead::Waits ReadAhead::waits_so_far() {
  rusage usage{};
  static_cast<void>(::getrusage(RUSAGE_SELF, &usage));
  return {usage.ru_inblock, usage.ru_nvcsw};
}

void ReadAhead::start(std::span<const std::string> files) {
  files_ = files;
  at_ = 0;
  opened_.clear();
  before_ = waits_so_far();
}

Descriptor ReadAhead::next() {
  constexpr off_t kFirstBytes = 8192;
  if (lists_ahead_ == 0) {
    return at_ < files_.size() ? open_to_inspect(files_[at_++]) : Descriptor();
  }
  for (; at_ < files_.size() && opened_.size() < kFilesAhead; ++at_) {
    Descriptor opened = open_to_inspect(files_[at_]);
    if (opened) {
      // A hint: fails for what is no file on a disk.
      static_cast<void>(::posix_fadvise(opened.get(), 0, kFirstBytes, POSIX_FADV_WILLNEED));
    }
    opened_.push_back(std::move(opened));
  }
  if (opened_.empty()) {
    return {};
  }
  Descriptor first = std::move(opened_.front());
  opened_.pop_front();
  return first;
}

// What was read ahead is not waited for: blocks read from a local disk tell all the same, and other
// disks, whose blocks are not counted, are tried without now and then.
void ReadAhead::finish() {
  const Waits now = waits_so_far();
  const bool from_disk =
      now.blocks_read > before_.blocks_read ||
      now.times_waited - before_.times_waited > static_cast<long>(files_.size() / kFilesAhead);
  if (from_disk) {
    lists_ahead_ = kListsBetweenTrials;
  } else if (lists_ahead_ > 0) {
    --lists_ahead_;
  }
  files_ = {};
  opened_.clear();
}

}  // namespace marrow
