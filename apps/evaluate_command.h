#pragma once

namespace marrow {

class CommandTable;

// marrow evaluate RUN2 --data D [--split validation]
void add_evaluate_command(CommandTable& table);

}  // namespace marrow
