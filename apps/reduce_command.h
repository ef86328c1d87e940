#pragma once

namespace marrow {

class CommandTable;

void add_reduce_command(CommandTable& table);

}  // namespace marrow
