#pragma once

namespace marrow {

class CommandTable;

// marrow prepare: kept series of the catalogue, or a data set -> volume store.
void add_prepare_command(CommandTable& table);

}  // namespace marrow
