#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "io/worker/channel.h"
#include "io/worker/file_facts.h"
#include "io/worker/request_limits.h"

namespace marrow {

// Ordinary DICOM slices, which are most files, with one look at their first bytes. Nothing for any
// other file, whatever it is: inspect_file tells. DicomHeader::file is left empty.
[[nodiscard]] std::optional<DicomHeader> inspect_ordinary_file(const Descriptor& opened);

// What the child does with one file of a request to inspect; never throws for a bad file.
[[nodiscard]] FileFacts inspect_file(const std::filesystem::path& file);

// Splits the reason code off the sentence of an Error: FileErrors carry it, DICOM errors start with
// it.
[[nodiscard]] FileRefusal refusal_of(const Error& error, const std::filesystem::path& file);

// Answers one request (io/worker/messages.h): to inspect with messages of many answers, in the
// order of the files; volume, labels and geometry with one message. Their voxels are in this
// process's memory, where the message says, until the next request, or in a sealed memory file.
// Throws Error for a request that makes no sense.
//
// False when the other side is gone.
[[nodiscard]] bool answer_request(std::string_view message,
                                  const RequestLimits& limits,
                                  Channel& channel);

}  // namespace marrow
