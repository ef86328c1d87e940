#pragma once

namespace marrow {

class CommandTable;

// marrow probe RUN --data D: what frozen features tell about the labels of a data set.
void add_probe_command(CommandTable& table);

}  // namespace marrow
