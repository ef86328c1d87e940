#pragma once

namespace marrow {

class CommandTable;

// marrow phantom OUT: a synthetic archive with labels, reports and the traps of a real one.
void add_phantom_command(CommandTable& table);

}  // namespace marrow
