#pragma once

#include <map>
#include <string>

#include "models/training/trainer.h"

namespace marrow {

// Whether a checkpoint with this metadata is of `run`: the same configuration, seed, metadata
// and, unless run.accept_changed_data, data. Throws Error{kRefused} saying what differs.
void check_same_run(const std::map<std::string, std::string>& checkpoint, const TrainRun& run);

// What train() will refuse, before anything is written into a folder that holds another run.
// Nothing where there is no checkpoint yet.
void check_resumable(const TrainRun& run);

}  // namespace marrow
