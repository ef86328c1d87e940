#pragma once

namespace marrow {

class CommandTable;

// marrow import FILE: weights of another tool as a run that `finetune`, `embed` and `probe` take.
void add_import_command(CommandTable& table);

}  // namespace marrow
