#pragma once

namespace marrow {

class CommandTable;

// marrow doctor: what this machine has, and a short self-test against known numbers.
void add_doctor_command(CommandTable& table);

}  // namespace marrow
