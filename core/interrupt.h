#pragma once

namespace marrow {

// SIGINT and SIGTERM set a flag that long loops look at; a second signal ends the process at once.
void install_interrupt_handlers();
[[nodiscard]] bool interrupted();
// Throws Error{kInterrupted} when the flag is set; `doing` completes "stopped while ...".
void throw_if_interrupted(const char* doing);

}  // namespace marrow
