#include "io/dicom/pet_suv.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/text.h"
#include "io/dicom/dicom_sequences.h"
#include "io/dicom/private_elements.h"

namespace marrow {

namespace {

constexpr double kDaySeconds = 86'400;
constexpr double kLongestDelaySeconds = 2 * kDaySeconds;  // from injection to scan

// Seconds since an epoch of the day "YYYYMMDD"; nothing for other texts.
std::optional<double> day_seconds(std::string_view date) {
  if (date.size() < 8 ||
      !std::all_of(date.begin(), date.begin() + 8, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  const auto number = [&](std::size_t from, std::size_t count) {
    int value = 0;
    for (std::size_t n = from; n < from + count; ++n) {
      value = 10 * value + (date[n] - '0');
    }
    return value;
  };
  std::tm day{};
  day.tm_year = number(0, 4) - 1900;
  day.tm_mon = number(4, 2) - 1;
  day.tm_mday = number(6, 2);
  return static_cast<double>(::timegm(&day));
}

// Seconds since midnight of "HHMMSS.FFFFFF", minutes and seconds optional.
std::optional<double> clock_seconds(std::string_view time) {
  const std::string_view whole = time.substr(0, time.find('.'));
  if (whole.size() < 2 || whole.size() % 2 != 0 || whole.size() > 6) {
    return std::nullopt;
  }
  double seconds = 0;
  double unit = 3600;
  for (std::size_t n = 0; n < whole.size(); n += 2, unit /= 60) {
    const std::optional<double> part = parse_decimal(whole.substr(n, 2));
    if (!part || *part < 0) {
      return std::nullopt;
    }
    seconds += unit * *part;
  }
  if (whole.size() < time.size()) {
    seconds += parse_decimal("0" + std::string(time.substr(whole.size()))).value_or(0);
  }
  return seconds < kDaySeconds + 1 ? std::optional(seconds) : std::nullopt;
}

// "YYYYMMDDHHMMSS.FFFFFF&ZZXX"; the zone is that of all times of the file.
std::optional<double> moment_seconds(std::string_view text) {
  text = text.substr(0, text.find_first_of("+-&"));
  const std::optional<double> day = day_seconds(text);
  const std::optional<double> clock =
      text.size() > 8 ? clock_seconds(text.substr(8)) : std::optional<double>();
  return day && clock ? std::optional(*day + *clock) : std::nullopt;
}

constexpr double kLeastWeightKg = 0.2;
constexpr double kMostWeightKg = 700;
constexpr double kLeastDoseBq = 1e5;
constexpr double kMostDoseBq = 1e11;

class SuvReader {
 public:
  SuvReader(DcmItem& data, DicomHeader& header)
      : data_(data),
        header_(header),
        injected_(first_dicom_item(data, DCM_RadiopharmaceuticalInformationSequence)) {}

  void read() {
    const std::string units = dicom_text(data_, DCM_Units);
    const std::string type = dicom_text(data_, DCM_SUVType);
    if (units == "GML" && (type.empty() || type == "BW")) {
      accept(1);
    } else if (units == "GML") {
      refuse("SUVType (other than BW)");
    } else if (units == "CNTS") {
      read_counts();
    } else if (units == "BQML") {
      read_activity();
    } else {
      refuse("Units");
    }
  }

 private:
  void refuse(const char* attribute) { header_.traits["suv_problem"] = attribute; }

  void accept(double factor) {
    if (!std::isfinite(factor) || factor <= 0) {
      refuse("PatientWeight");
      return;
    }
    header_.traits["suv_factor"] = fmt::format("{:.17g}", factor);
  }

  // Above 0, or nothing.
  static std::optional<double> positive(DcmItem* item, const DcmTagKey& tag) {
    if (item == nullptr) {
      return std::nullopt;
    }
    const std::optional<std::vector<double>> values = dicom_numbers(*item, tag);
    const bool usable = values && values->size() == 1 && values->front() > 0;
    return usable ? std::optional(values->front()) : std::nullopt;
  }

  [[nodiscard]] std::optional<double> moment(const DcmTagKey& date, const DcmTagKey& time) const {
    const std::optional<double> day = day_seconds(dicom_text(data_, date));
    const std::optional<double> clock = clock_seconds(dicom_text(data_, time));
    return day && clock ? std::optional(*day + *clock) : std::nullopt;
  }

  void read_counts() {
    const DcmTagKey tag = private_tag(data_, {0x7053, "Philips PET Private Group", 0x00});
    const std::optional<double> factor =
        tag == DCM_UndefinedTagKey ? std::nullopt : positive(&data_, tag);
    if (factor) {
      accept(*factor);
    } else {
      refuse("Units (CNTS without the vendor's SUV factor)");
    }
  }

  void read_activity() {
    const std::vector<std::string> corrected = dicom_texts(data_, DCM_CorrectedImage);
    const auto has = [&](std::string_view word) {
      return std::find(corrected.begin(), corrected.end(), word) != corrected.end();
    };
    if (!has("ATTN") || !has("DECY")) {
      refuse("CorrectedImage (attenuation and decay)");
      return;
    }
    const std::optional<double> weight_kg = positive(&data_, DCM_PatientWeight);
    const std::optional<double> dose_bq = positive(injected_, DCM_RadionuclideTotalDose);
    const std::optional<double> half_life_s = positive(injected_, DCM_RadionuclideHalfLife);
    if (!weight_kg) {
      return refuse("PatientWeight");
    }
    if (!dose_bq) {
      return refuse("RadionuclideTotalDose");
    }
    if (!half_life_s) {
      return refuse("RadionuclideHalfLife");
    }
    // A dose in MBq or mCi and a weight in grams are seen; the SUV would be off by their factor.
    if (*weight_kg < kLeastWeightKg || *weight_kg > kMostWeightKg) {
      return refuse("PatientWeight (not between 0.2 and 700 kg)");
    }
    if (*dose_bq < kLeastDoseBq || *dose_bq > kMostDoseBq) {
      return refuse("RadionuclideTotalDose (not between 0.1 MBq and 100 GBq)");
    }
    const std::string correction = dicom_text(data_, DCM_DecayCorrection);
    double decay_s = 0;
    if (correction == "START") {
      const std::optional<double> scan = scan_seconds(*half_life_s);
      if (!scan) {
        return refuse("SeriesTime");
      }
      const std::optional<double> injection = injection_seconds(*scan);
      if (!injection) {
        return refuse("RadiopharmaceuticalStartTime");
      }
      decay_s = *scan - *injection;
    } else if (correction != "ADMIN") {
      return refuse("DecayCorrection");
    }
    constexpr double kGramsPerKilogram = 1000;
    accept(*weight_kg * kGramsPerKilogram / (*dose_bq * std::exp2(-decay_s / *half_life_s)));
  }

  // To when START corrects.
  [[nodiscard]] std::optional<double> scan_seconds(double half_life_s) const {
    const std::optional<double> series = moment(DCM_SeriesDate, DCM_SeriesTime);
    const std::optional<double> acquisition = moment(DCM_AcquisitionDate, DCM_AcquisitionTime);
    if (series && (!acquisition || *series <= *acquisition)) {
      return series;
    }
    if (const DcmTagKey tag = private_tag(data_, {0x0009, "GEMS_PETD_01", 0x0D});
        tag != DCM_UndefinedTagKey) {
      return moment_seconds(dicom_text(data_, tag));
    }
    const std::optional<double> reference_ms = positive(&data_, DCM_FrameReferenceTime);
    const std::optional<double> duration_ms = positive(&data_, DCM_ActualFrameDuration);
    if (!acquisition || !reference_ms || !duration_ms) {
      return std::nullopt;
    }
    const double rate = std::log(2.0) / half_life_s;
    const double duration_s = *duration_ms / 1000;
    const double average_s =
        std::log(rate * duration_s / (1 - std::exp(-rate * duration_s))) / rate;
    return *acquisition - *reference_ms / 1000 + average_s;
  }

  [[nodiscard]] std::optional<double> injection_seconds(double scan_s) const {
    if (injected_ == nullptr) {
      return std::nullopt;
    }
    std::optional<double> injection =
        moment_seconds(dicom_text(*injected_, DCM_RadiopharmaceuticalStartDateTime));
    if (!injection) {
      const std::optional<double> clock =
          clock_seconds(dicom_text(*injected_, DCM_RadiopharmaceuticalStartTime));
      if (!clock) {
        return std::nullopt;
      }
      injection = std::floor(scan_s / kDaySeconds) * kDaySeconds + *clock;
      if (*injection > scan_s) {
        *injection -= kDaySeconds;
      }
    }
    const double delay = scan_s - *injection;
    return delay >= 0 && delay <= kLongestDelaySeconds ? injection : std::nullopt;
  }

  DcmItem& data_;
  DicomHeader& header_;
  DcmItem* injected_;
};

}  // namespace

void read_suv(DcmItem& data, DicomHeader& header) {
  SuvReader(data, header).read();
}

}  // namespace marrow
