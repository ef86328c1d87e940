#pragma once

namespace marrow {

class CommandTable;

// marrow explain KEY|UID|PATH: why a series is used, split, resampled or refused.
void add_explain_command(CommandTable& table);

}  // namespace marrow
