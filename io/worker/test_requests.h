#pragma once

#include <filesystem>

namespace marrow {

// Misbehaves as a file's name asks for ("crash.test", "spin.test", "allocate.test", ...), so that
// tests see what becomes of the other files. The child does so only when it is started with
// --test-requests. Other names: nothing happens.
void run_test_request(const std::filesystem::path& file);

}  // namespace marrow
