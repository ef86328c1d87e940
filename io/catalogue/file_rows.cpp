#include "io/catalogue/file_rows.h"

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "io/byte_fields.h"
#include "io/catalogue/packed_stamps.h"
#include "io/header_fields.h"

namespace marrow {

namespace {

// Fields of a DICOM header in which the slices of one series differ, and those in which they may.
template <class Header, class Visit>
void visit_own_fields(Header& header, Visit&& visit) {
  visit("position", header.position);
  visit("instance_number", header.instance_number);
}

template <class Header, class Visit>
void visit_variant_fields(Header& header, Visit&& visit) {
  visit("slope", header.slope);
  visit("intercept", header.intercept);
  visit("pixel_offset", header.pixel_offset);
  visit("pixel_bytes", header.pixel_bytes);
  visit("acquisition_number", header.acquisition_number);
}

// All other fields: visit_dicom_fields less the instance's digest and those above.
template <class Header, class Visit>
void visit_shared_fields(Header& header, Visit&& visit) {
  std::array<const void*, 8> elsewhere{&header.instance_uid};
  std::size_t count = 1;
  const auto note = [&](const char* /*name*/, auto& field) { elsewhere.at(count++) = &field; };
  visit_own_fields(header, note);
  visit_variant_fields(header, note);
  visit_dicom_fields(header, [&](const char* name, auto& field) {
    const void* const place = &field;
    if (std::find(elsewhere.begin(), elsewhere.end(), place) == elsewhere.end()) {
      visit(name, field);
    }
  });
}

constexpr std::string_view kRowDigits = "0123456789abcdef";
constexpr std::size_t kDigestDigits = 16;

// A digest takes half as many bytes as its digits, with their number in front; other texts are
// stored as they are behind a 0.
void pack_digest(ByteWriter& writer, const std::string& digest) {
  if (digest.size() != kDigestDigits || digest.find_first_not_of(kRowDigits) != std::string::npos) {
    writer.unsigned_integer(0);
    writer.text(digest);
    return;
  }
  std::string bytes;
  for (std::size_t n = 0; n < kDigestDigits; n += 2) {
    bytes += static_cast<char>(kRowDigits.find(digest[n]) * 16 + kRowDigits.find(digest[n + 1]));
  }
  writer.unsigned_integer(1);
  writer.text(bytes);
}

std::string unpack_digest(ByteReader& reader) {
  const bool packed = reader.unsigned_integer() != 0;
  std::string text = reader.text();
  if (!packed) {
    return text;
  }
  std::string digits;
  for (const char byte : text) {
    digits += kRowDigits[static_cast<unsigned char>(byte) >> 4U];
    digits += kRowDigits[static_cast<unsigned char>(byte) & 15U];
  }
  return digits;
}

DicomHeader unpack_shared(std::string_view bytes) {
  DicomHeader header;
  ByteReader reader(bytes);
  visit_shared_fields(header, reader);
  return header;
}

void unpack_rest(DicomHeader& header, std::string_view variant, std::string_view own) {
  ByteReader variants(variant);
  visit_variant_fields(header, variants);
  ByteReader reader(own);
  header.instance_uid = unpack_digest(reader);
  visit_own_fields(header, reader);
}

// Texts by the number in which they came.
class TextTable {
 public:
  std::size_t number(std::string_view text) {
    const auto [entry, added] = numbers_.emplace(text, texts_.size());
    if (added) {
      texts_.push_back(text);
    }
    return entry->second;
  }

  void write(ByteWriter& writer) const {
    writer.unsigned_integer(texts_.size());
    for (const std::string_view text : texts_) {
      writer.text(text);
    }
  }

 private:
  std::unordered_map<std::string_view, std::size_t> numbers_;
  std::vector<std::string_view> texts_;
};

// Calls visit(name, number of shared, number of variant, own) per file; the two tables come first.
struct PartReader {
  std::vector<std::string> shared, variants;

  template <class Visit>
  void read(std::string_view bytes, Visit&& visit) {
    ByteReader reader(bytes);
    reader("shared", shared);
    reader("variants", variants);
    std::string name;
    while (!reader.rest().empty()) {
      unpack_name(reader, name);
      const std::uint64_t first = reader.unsigned_integer();
      const std::uint64_t second = reader.unsigned_integer();
      if (first >= shared.size() || second >= variants.size()) {
        throw Error(ErrorCode::kUnreadable,
                    "catalogue: what is kept of a file is damaged; remove the catalogue and scan "
                    "again");
      }
      visit(name, static_cast<std::size_t>(first), static_cast<std::size_t>(second), reader.text());
    }
  }
};

}  // namespace

PackedFacts pack_facts(const FileFacts& facts) {
  PackedFacts packed;
  ByteWriter shared(packed.shared);
  ByteWriter own(packed.own);
  if (const DicomHeader* const header = facts.dicom()) {
    packed.owner = "d" + header->series_uid;
    visit_shared_fields(*header, shared);
    ByteWriter variant(packed.variant);
    visit_variant_fields(*header, variant);
    pack_digest(own, header->instance_uid);
    visit_own_fields(*header, own);
  } else if (facts.refusal() == nullptr) {
    packed.owner = "v";
    write_facts(facts, packed.shared);
  } else {
    const FileRefusal& refusal = *facts.refusal();
    packed.owner = "x";
    shared.integer(static_cast<int>(refusal.code));
    shared.text(refusal.reason_code);
    shared.text(refusal.advice);
    own.text(refusal.sentence);  // it names the file
  }
  return packed;
}

FileFacts unpack_facts(const PackedFacts& packed, const std::filesystem::path& path) {
  FileFacts facts;
  facts.file = path;
  if (packed.owner.starts_with('d')) {
    DicomHeader header = unpack_shared(packed.shared);
    unpack_rest(header, packed.variant, packed.own);
    header.file = path;
    facts.content = std::move(header);
  } else if (packed.owner.starts_with('v')) {
    ByteReader reader(packed.shared);
    return read_facts(reader, path);
  } else {
    FileRefusal refusal;
    ByteReader reader(packed.shared);
    refusal.code = static_cast<ErrorCode>(reader.integer());
    refusal.reason_code = reader.text();
    refusal.advice = reader.text();
    ByteReader own(packed.own);
    refusal.sentence = own.text();
    facts.content = std::move(refusal);
  }
  return facts;
}

std::string pack_part(const std::vector<PartFile>& files) {
  TextTable shared;
  TextTable variants;
  std::string rows;
  ByteWriter writer(rows);
  std::string last;
  for (const PartFile& file : files) {
    pack_name(writer, last, file.name);
    writer.unsigned_integer(shared.number(file.facts.shared));
    writer.unsigned_integer(variants.number(file.facts.variant));
    writer.text(file.facts.own);
  }
  std::string bytes;
  ByteWriter tables(bytes);
  shared.write(tables);
  variants.write(tables);
  return bytes + rows;
}

std::vector<PartFile> unpack_part(std::string_view bytes, const std::string& owner) {
  std::vector<PartFile> files;
  PartReader part;
  part.read(bytes,
            [&](const std::string& name, std::size_t shared, std::size_t variant, std::string own) {
              files.push_back(
                  {name, {owner, part.shared[shared], part.variants[variant], std::move(own)}});
            });
  return files;
}

void append_headers(std::string_view part,
                    const std::filesystem::path& folder,
                    std::vector<DicomHeader>& headers) {
  PartReader reader;
  std::vector<DicomHeader> shared;
  reader.read(
      part,
      [&](const std::string& name, std::size_t first, std::size_t second, const std::string& own) {
        while (shared.size() <= first) {
          shared.push_back(unpack_shared(reader.shared[shared.size()]));
        }
        DicomHeader& header = headers.emplace_back(shared[first]);
        unpack_rest(header, reader.variants[second], own);
        header.file = folder / name;
      });
}

}  // namespace marrow
