#pragma once

namespace marrow {

class CommandTable;

// marrow report RUN [--compare RUN0] [--pretraining RUN1]
void add_report_command(CommandTable& table);

}  // namespace marrow
