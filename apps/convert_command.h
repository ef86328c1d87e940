#pragma once

namespace marrow {

class CommandTable;

// marrow convert INPUT... -o DIR: any readable image -> NIfTI, with a JSON of acquisition facts.
void add_convert_command(CommandTable& table);

}  // namespace marrow
