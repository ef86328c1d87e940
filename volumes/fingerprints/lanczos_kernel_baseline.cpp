#include "volumes/fingerprints/lanczos_loop.h"

namespace marrow {

LanczosDot lanczos_dot_baseline() {
  return lanczos_dot_loop;
}

}  // namespace marrow
