#pragma once

namespace marrow {

class CommandTable;

// marrow scan ARCHIVE...: files -> WORK/catalogue.db and WORK/issues.jsonl.
void add_scan_command(CommandTable& table);

}  // namespace marrow
