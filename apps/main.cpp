#include <cstdio>

#include "apps/cli.h"

int main(int argc, char** argv) {
  try {
    return marrow::run_program(argc, argv);
  } catch (...) {
    std::fputs(
        "error: internal: something that is not an exception of ours was thrown; please report "
        "it\n",
        stderr);
    return 1;
  }
}
