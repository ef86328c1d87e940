#pragma once

namespace marrow {

class CommandTable;

// marrow split: patients of the catalogue -> train, validation and test.
void add_split_command(CommandTable& table);

}  // namespace marrow
