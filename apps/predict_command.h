#pragma once

namespace marrow {

class CommandTable;

// marrow predict RUN2 -i INPUT -o OUT [--format nifti]
void add_predict_command(CommandTable& table);

}  // namespace marrow
