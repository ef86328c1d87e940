#include "io/library_versions.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <sqlite3.h>

namespace marrow {

std::string dcmtk_version() {
  return OFFIS_DCMTK_VERSION_STRING;
}

std::string sqlite_version() {
  return sqlite3_libversion();
}

}  // namespace marrow
