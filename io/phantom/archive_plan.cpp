#include "io/phantom/archive_plan.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "core/rng.h"

namespace marrow {
namespace {

constexpr double kSecondStudy = 0.4;
constexpr double kSecondCtSeries = 0.3;
constexpr double kSecondMrSeries = 0.5;

std::string plan_ct_sequence(Rng& rng) {
  const double draw = rng.uniform();
  return draw < 0.35 ? "native" : draw < 0.6 ? "arterial" : "portal";
}

void plan_study(const PhantomOptions& options,
                std::int64_t patient,
                std::int64_t study,
                Rng& rng,
                std::vector<PlannedSeries>& plan) {
  const auto scanners = static_cast<std::int64_t>(phantom_scanners(options.kind).size());
  PlannedSeries series{
      patient, study, 1, static_cast<std::size_t>(rng.below(scanners)), "", PhantomTrap::kNone};
  const bool ct = options.kind == PhantomKind::kCt;
  series.sequence = ct ? plan_ct_sequence(rng) : "t1";
  plan.push_back(series);
  if (rng.chance(ct ? kSecondCtSeries : kSecondMrSeries)) {
    series.number = 2;
    series.sequence = ct ? (series.sequence == "portal" ? "native" : "portal") : "t2";
    plan.push_back(series);
  }
}

}  // namespace

std::vector<PlannedSeries> plan_phantom_archive(const PhantomOptions& options) {
  std::vector<PlannedSeries> plan;
  for (std::int64_t patient = 0; patient < options.patients; ++patient) {
    Rng rng(options.seed, "phantom.plan", {static_cast<std::uint64_t>(patient)});
    const std::int64_t studies = rng.chance(kSecondStudy) ? 2 : 1;
    for (std::int64_t study = 0; study < studies; ++study) {
      plan_study(options, patient, study, rng, plan);
    }
  }
  // Harmless irregularities befall ordinary series: the first and the last of the archive.
  plan.front().trap = PhantomTrap::kReversedNumbers;
  if (plan.size() > 1) {
    plan.back().trap = PhantomTrap::kDuplicateFile;
  }
  const auto extra = [&](std::int64_t patient, std::int64_t number, PhantomTrap trap) {
    const std::string sequence = options.kind == PhantomKind::kCt ? "native" : "t1";
    plan.push_back({patient % options.patients, 0, number, 0, sequence, trap});
  };
  extra(0, 90, PhantomTrap::kLocalizer);
  extra(1, 91, PhantomTrap::kMissingSlice);
  extra(2, 92, PhantomTrap::kCutFile);
  return plan;
}

std::string planned_folder(const PlannedSeries& series) {
  return fmt::format("P{:04}/ST{}/SE{}", series.patient + 1, series.study + 1, series.number);
}

PhantomPerson phantom_person(std::uint64_t seed, std::int64_t patient, const std::string& sex) {
  static constexpr std::array<std::string_view, 10> kFamily = {"ALMASY",
                                                               "BRANDVIK",
                                                               "CALLOWAY",
                                                               "DELACROIX",
                                                               "EKSTROM",
                                                               "FARKAS",
                                                               "GUNDERSEN",
                                                               "HOLLOWAY",
                                                               "IVARSSON",
                                                               "JANACEK"};
  static constexpr std::array<std::string_view, 6> kFemale = {
      "AGNES", "BIRGIT", "CLARA", "DAGMAR", "EDITH", "FREYA"};
  static constexpr std::array<std::string_view, 6> kMale = {
      "ANTON", "BRUNO", "CASPAR", "DANIEL", "EMIL", "FELIX"};
  Rng rng(seed, "phantom.person", {static_cast<std::uint64_t>(patient)});
  const auto family = kFamily[static_cast<std::size_t>(rng.below(kFamily.size()))];
  const auto& given = sex == "F" ? kFemale : kMale;
  PhantomPerson person;
  person.name =
      fmt::format("{}^{}", family, given[static_cast<std::size_t>(rng.below(given.size()))]);
  person.id = fmt::format("PH{}-{:04}", seed, patient + 1);
  const std::int64_t year = 1938 + rng.below(60);
  const std::int64_t month = 1 + rng.below(12);
  const std::int64_t day = 1 + rng.below(28);
  person.birth_date = fmt::format("{:04}{:02}{:02}", year, month, day);
  return person;
}

}  // namespace marrow
