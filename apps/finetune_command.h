#pragma once

namespace marrow {

class CommandTable;

// marrow finetune segment --from RUN|none --data D [--cases N|FILE] --out RUN2 [key=value...]
void add_finetune_command(CommandTable& table);

}  // namespace marrow
