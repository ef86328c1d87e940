#pragma once

namespace marrow {

class CommandTable;

// marrow embed RUN: features of slices and volumes, as an encoder sees them.
void add_embed_command(CommandTable& table);

}  // namespace marrow
