#include "io/dicom/character_set.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcspchrs.h>
#include <iconv.h>

#include "core/text.h"
#include "io/dicom/dcmtk_session.h"

namespace marrow {

namespace {

bool is_ascii_text(std::string_view text) {
  // An escape begins another set, whose bytes may all be below 0x80 (Japanese).
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80 && c != 0x1B;
  });
}

// The Japanese sets with escapes, which DCMTK has no table for where it uses the C library's:
// nothing when the text is no such text.
std::optional<std::string> from_iso2022_jp(std::string text) {
  iconv_t converter = ::iconv_open("UTF-8", "ISO-2022-JP-2");
  if (converter == reinterpret_cast<iconv_t>(-1)) {
    return std::nullopt;
  }
  std::string out(4 * text.size() + 16, '\0');
  char* from = text.data();
  char* to = out.data();
  std::size_t left = text.size();
  std::size_t room = out.size();
  const bool converted =
      ::iconv(converter, &from, &left, &to, &room) != static_cast<std::size_t>(-1);
  ::iconv_close(converter);
  if (!converted || left != 0) {
    return std::nullopt;
  }
  out.resize(out.size() - room);
  return out;
}

bool is_japanese(std::string_view sets) {
  return sets.find("IR 87") != std::string_view::npos ||
         sets.find("IR 159") != std::string_view::npos;
}

}  // namespace

std::string DicomTexts::utf8(std::string text) {
  if (is_ascii_text(text)) {
    return text;
  }
  const std::string stated = dicom_text(data_, DCM_SpecificCharacterSet);
  const bool utf8 = stated == "ISO_IR 192" || stated.empty();
  if (is_japanese(stated)) {
    if (std::optional<std::string> converted = from_iso2022_jp(text)) {
      return *std::move(converted);
    }
  } else if (!utf8) {
    DcmSpecificCharacterSet sets;
    OFString converted;
    // No delimiters: a '^' or a backslash may be the second byte of a character.
    if (sets.selectCharacterSet(data_, "ISO_IR 192").good() &&
        sets.convertString({text.data(), text.size()}, converted).good() &&
        is_utf8({converted.data(), converted.size()})) {
      return {converted.data(), converted.size()};
    }
  }
  replaced_ |= !utf8 || !is_utf8(text);
  return replace_invalid_utf8(text);
}

std::string latin1_to_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | byte >> 6U);
      out += static_cast<char>(0x80 | (byte & 0x3FU));
    }
  }
  return out;
}

}  // namespace marrow
