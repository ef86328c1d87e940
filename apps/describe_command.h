#pragma once

namespace marrow {

class CommandTable;

// `marrow describe [PART]`: what can be configured, with defaults and ranges, from the options
// structs themselves; without PART, the parts and sections that there are.
void add_describe_command(CommandTable& table);

}  // namespace marrow
