#pragma once

namespace marrow {

class CommandTable;

// marrow pretrain --config pretrain/spark3d.yaml --out RUN [--data D] [key=value...]
void add_pretrain_command(CommandTable& table);

}  // namespace marrow
