#include <filesystem>
#include <vector>

#include "core/config/config.h"
#include "core/files.h"

namespace marrow {

std::vector<std::filesystem::path> preset_folders() {
  const std::filesystem::path beside = executable_folder();
  return {beside / "configs",
          beside.parent_path() / "configs",
          beside.parent_path() / "share/marrow/configs",
          std::filesystem::path(MARROW_SOURCE_FOLDER) / "configs"};
}

}  // namespace marrow
