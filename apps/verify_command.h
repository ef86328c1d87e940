#pragma once

namespace marrow {

class CommandTable;

void add_verify_command(CommandTable& table);

}  // namespace marrow
