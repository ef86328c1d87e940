#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace marrow {

// Bytes by name in one SQLite file, `fingerprints.db` of a work folder: what reducing read of
// volumes. Can be deleted at any time. What was kept is on disk within a second or 256 entries.
// Throws Error{kResources} on a full disk, Error{kUnreadable} when the file is damaged.
class FingerprintFile {
 public:
  explicit FingerprintFile(const std::filesystem::path& file);
  ~FingerprintFile();
  FingerprintFile(const FingerprintFile&) = delete;
  FingerprintFile& operator=(const FingerprintFile&) = delete;

  [[nodiscard]] std::optional<std::string> find(const std::string& name);
  void keep(const std::string& name, const std::string& bytes);
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace marrow
