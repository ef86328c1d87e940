#pragma once

namespace marrow {

class CommandTable;

// marrow fingerprint: spacing, size and intensities of the catalogue's series or of a data set.
void add_fingerprint_command(CommandTable& table);

}  // namespace marrow
