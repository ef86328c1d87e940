#include "apps/builtin_commands.h"

#include "apps/cli.h"
#include "apps/doctor_command.h"
#include "apps/phantom_command.h"

namespace marrow {

void add_builtin_commands(CommandTable& table) {
  (void)table;
}

}  // namespace marrow
