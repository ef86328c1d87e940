#include "volumes/fingerprints/lanczos_loop.h"

namespace marrow {

LanczosRows lanczos_rows_avx512() {
  return lanczos_rows_loop;
}

}  // namespace marrow
