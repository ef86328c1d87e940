#include <cstdio>
#include <sys/stat.h>

#include "apps/program.h"

int main(int argc, char** argv) {
  // What is written is for its owner's eyes, whichever library writes it.
  umask(S_IRWXG | S_IRWXO);
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
