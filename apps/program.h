#pragma once

namespace marrow {

// Everything main does: parse, run, map failures to one sentence on standard error and the exit
// code.
[[nodiscard]] int run_program(int argc, const char* const* argv);

}  // namespace marrow
