#include "volumes/fingerprints/lanczos_loop.h"

namespace marrow {

LanczosRows lanczos_rows_baseline() {
  return lanczos_rows_loop;
}

}  // namespace marrow
