#pragma once

namespace marrow {

class CommandTable;

void add_builtin_commands(CommandTable& table);

}  // namespace marrow
