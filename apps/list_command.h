#pragma once

namespace marrow {

class CommandTable;

// marrow list [--where EXPRESSION]: what is in the catalogue.
void add_list_command(CommandTable& table);

}  // namespace marrow
