#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/worker/file_facts.h"

namespace marrow {

// What is kept of one file, as bytes: what the files of a series say alike, what they often say
// alike, and the file's own. A NIfTI, NRRD or MetaImage file is all `shared`.
struct PackedFacts {
  std::string owner;  // "d" + series digest, "v" for NIfTI, NRRD, MetaImage, "x" for refused files
  std::string shared;
  std::string variant;
  std::string own;

  friend bool operator==(const PackedFacts&, const PackedFacts&) = default;
};

// Of facts without identifiers.
[[nodiscard]] PackedFacts pack_facts(const FileFacts& facts);
// Throws Error{kUnreadable} when the bytes are no such parts.
[[nodiscard]] FileFacts unpack_facts(const PackedFacts& packed, const std::filesystem::path& path);

// The files of one owner in one chunk of a folder.
struct PartFile {
  std::string name;
  PackedFacts facts;
};

// Sorted by name. Texts that several files share are stored once.
[[nodiscard]] std::string pack_part(const std::vector<PartFile>& files);
// Throws Error{kUnreadable} when the bytes are no such list.
[[nodiscard]] std::vector<PartFile> unpack_part(std::string_view bytes, const std::string& owner);

// The DICOM headers of one part, with their paths in `folder`, appended to `headers`. Faster than
// unpack_part and unpack_facts, since what is shared is understood once.
void append_headers(std::string_view part,
                    const std::filesystem::path& folder,
                    std::vector<DicomHeader>& headers);

}  // namespace marrow
