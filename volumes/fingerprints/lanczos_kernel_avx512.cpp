#include "volumes/fingerprints/lanczos_loop.h"

namespace marrow {

LanczosDot lanczos_dot_avx512() {
  return lanczos_dot_loop;
}

}  // namespace marrow
