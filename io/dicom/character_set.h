#pragma once

#include <string>
#include <string_view>

class DcmItem;

namespace marrow {

// Texts of a data set as UTF-8, from the character set that it states (0008,0005), code extensions
// included. Bytes that the set does not have, and bytes beyond ASCII where none is stated and they
// are not UTF-8, become U+FFFD.
class DicomTexts {
 public:
  explicit DicomTexts(DcmItem& data) : data_(data) {}

  [[nodiscard]] std::string utf8(std::string text);

  // Whether any byte was replaced so far.
  [[nodiscard]] bool replaced() const { return replaced_; }

 private:
  DcmItem& data_;
  bool replaced_ = false;
};

// ISO 8859-1 with bytes from 0xA0 on as UTF-8; ASCII stays as it is.
[[nodiscard]] std::string latin1_to_utf8(std::string_view text);

}  // namespace marrow
