#include "io/dicom/dcmtk_session.h"

#include <algorithm>
#include <mutex>
#include <string_view>

#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/appender.h>
#include <dcmtk/oflog/oflog.h>
#include <dcmtk/oflog/spi/logevent.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

thread_local std::int64_t jpeg_complaints_of_thread = 0;

// DCMTK's JPEG decoder only logs that a stream is damaged, and makes up the pixels that it lacks.
class JpegComplaints : public dcmtk::log4cplus::Appender {
 public:
  ~JpegComplaints() override { destructorImpl(); }

  void close() override { closed = true; }

 protected:
  // Not its warnings of oddities that cost no pixel.
  void append(const dcmtk::log4cplus::spi::InternalLoggingEvent& event) override {
    const std::string_view message(event.getMessage().data(), event.getMessage().size());
    jpeg_complaints_of_thread += static_cast<std::int64_t>(
        message.starts_with("Corrupt JPEG data") || message.starts_with("Premature end"));
  }
};

void listen_to_jpeg() {
  dcmtk::log4cplus::Logger logger =
      dcmtk::log4cplus::Logger::getInstance(DCMTK_LOG4CPLUS_TEXT("dcmtk.dcmjpeg"));
  logger.setAdditivity(false);  // nothing is written
  logger.setLogLevel(OFLogger::WARN_LOG_LEVEL);
  logger.addAppender(dcmtk::log4cplus::SharedAppenderPtr(new JpegComplaints));
}

}  // namespace

std::optional<std::string> decompress_pixels(DcmDataset& data) {
  const std::int64_t before = jpeg_complaints_of_thread;
  const OFCondition status = data.chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
  if (status.bad()) {
    return status.text();
  }
  return jpeg_complaints_of_thread == before ? std::nullopt
                                             : std::optional<std::string>("the stream is damaged");
}

void prepare_dcmtk() {
  static std::once_flag once;
  std::call_once(once, [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    listen_to_jpeg();
    if (!dcmDataDict.isDictionaryLoaded()) {
      throw Error(ErrorCode::kInternal,
                  "dicom: DCMTK's data dictionary is missing; install the Debian package "
                  "libdcmtk17 and unset DCMDICTPATH");
    }
    DcmRLEDecoderRegistration::registerCodecs();
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
  });
}

namespace {

std::string dicom_padding_removed(std::string_view text) {
  while (!text.empty() && (text.back() == '\0' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  return std::string(trim(text));
}

std::string unknown_as_text(DcmElement& element) {
  Uint8* bytes = nullptr;
  if (element.getLength() > 4096 || element.getUint8Array(bytes).bad() || bytes == nullptr) {
    return {};
  }
  std::string text =
      dicom_padding_removed({reinterpret_cast<const char*>(bytes), element.getLength()});
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return printable ? text : std::string();
}

}  // namespace

std::string dicom_text(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || element == nullptr ||
      element->getLength() == 0) {
    return {};
  }
  if (const DcmEVR vr = element->ident(); vr == EVR_UN || vr == EVR_OB) {
    return unknown_as_text(*element);
  }
  OFString text;
  if (element->getOFStringArray(text).bad()) {
    return {};
  }
  return dicom_padding_removed({text.data(), text.size()});
}

std::vector<std::string> dicom_texts(DcmItem& item, const DcmTagKey& tag) {
  const std::string text = dicom_text(item, tag);
  if (text.empty()) {
    return {};
  }
  std::vector<std::string> values = split_words(text, '\\');
  for (std::string& value : values) {
    value = dicom_padding_removed(value);
  }
  return values;
}

std::optional<std::vector<double>> dicom_numbers(DcmItem& item, const DcmTagKey& tag) {
  std::vector<double> numbers;
  for (const std::string& text : dicom_texts(item, tag)) {
    const std::optional<double> value = parse_decimal(text);
    if (!value) {
      return std::nullopt;
    }
    numbers.push_back(*value);
  }
  return numbers;
}

}  // namespace marrow
