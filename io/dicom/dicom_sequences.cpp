#include "io/dicom/dicom_sequences.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "core/text.h"
#include "io/file_error.h"

namespace marrow {

namespace {

std::optional<std::vector<double>> numbers_of_text(std::string_view text) {
  while (!text.empty() && (text.back() == '\0' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  std::vector<double> numbers;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\\'), text.size());
    const std::optional<double> number = parse_decimal(text.substr(0, end));
    // A trailing separator promises a number that is not there.
    if (!number || end + 1 == text.size()) {
      return std::nullopt;
    }
    numbers.push_back(*number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return numbers;
}

}  // namespace

std::vector<DcmItem*> dicom_items(DcmItem& item, const DcmTagKey& tag) {
  DcmSequenceOfItems* sequence = nullptr;
  return item.findAndGetSequence(tag, sequence).bad() || sequence == nullptr
             ? std::vector<DcmItem*>()
             : dicom_items(*sequence);
}

std::vector<DcmItem*> dicom_items(DcmSequenceOfItems& sequence) {
  std::vector<DcmItem*> items;
  items.reserve(sequence.card());
  // Not by number, which walks from the start each time.
  for (DcmObject* next = sequence.nextInContainer(nullptr); next != nullptr;
       next = sequence.nextInContainer(next)) {
    if (auto* const found = dynamic_cast<DcmItem*>(next)) {
      items.push_back(found);
    }
  }
  return items;
}

DcmItem* first_dicom_item(DcmItem& item, const DcmTagKey& tag) {
  DcmItem* found = nullptr;
  return item.findAndGetSequenceItem(tag, found, 0).good() ? found : nullptr;
}

std::optional<std::vector<double>> exact_numbers(DcmItem& item,
                                                 const DcmTagKey& tag,
                                                 std::size_t count) {
  std::optional<std::vector<double>> numbers = dicom_numbers(item, tag);
  return numbers && numbers->size() == count ? numbers : std::nullopt;
}

std::optional<std::int64_t> whole_number(DcmItem& item,
                                         const DcmTagKey& tag,
                                         std::int64_t low,
                                         std::int64_t high) {
  const auto numbers = exact_numbers(item, tag, 1);
  if (!numbers || numbers->front() != std::floor(numbers->front()) ||
      numbers->front() < static_cast<double>(low) || numbers->front() > static_cast<double>(high)) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(numbers->front());
}

std::optional<std::vector<double>> long_numbers(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr) {
    return std::vector<double>{};
  }
  const DcmEVR vr = element->ident();
  if (vr == EVR_UN || vr == EVR_OB) {  // how texts beyond 64 KiB are written in explicit files
    Uint8* bytes = nullptr;
    if (element->getLength() == 0) {
      return std::vector<double>{};
    }
    if (element->getUint8Array(bytes).bad() || bytes == nullptr) {
      return std::nullopt;
    }
    return numbers_of_text({reinterpret_cast<const char*>(bytes), element->getLength()});
  }
  if (vr == EVR_DS || vr == EVR_IS) {  // DCMTK's own list of values takes time by its square
    char* stored = nullptr;
    Uint32 length = 0;
    if (element->getString(stored, length).bad()) {
      return std::nullopt;
    }
    return numbers_of_text(stored == nullptr ? std::string_view()
                                             : std::string_view(stored, length));
  }
  OFString text;
  if (element->getOFStringArray(text).bad()) {
    return std::nullopt;
  }
  return numbers_of_text({text.data(), text.size()});
}

void refuse_label_object(ErrorCode code,
                         const std::string& reason_code,
                         const std::filesystem::path& file,
                         const std::string& sentence) {
  throw FileError(code, reason_code, printable(file.string(), 400) + ": " + sentence);
}

}  // namespace marrow
