#pragma once

namespace marrow {

class CommandTable;

// marrow export RUN: an encoder as a folder that other tools load.
void add_export_command(CommandTable& table);

}  // namespace marrow
