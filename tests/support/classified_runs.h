#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clinical/evaluation/classification_evaluation.h"
#include "clinical/report/report_files.h"
#include "core/error.h"
#include "core/files.h"

namespace marrow {

// One class a case, by its place; the scores of three classes.
inline ClassifiedCase one_class(const std::string& key,
                                const std::string& patient,
                                std::size_t is,
                                std::vector<double> scores) {
  ClassifiedCase one{key, patient, {0, 0, 0}, std::move(scores)};
  one.targets[is] = 1;
  return one;
}

// Five cases of four patients; case_2 is taken for "cyst" with confidence, case_4 for "none" with
// little.
inline std::vector<ClassifiedCase> scored_cases() {
  return {one_class("case_1", "p1", 0, {0.9, 0.06, 0.04}),
          one_class("case_2", "p1", 0, {0.02, 0.97, 0.01}),
          one_class("case_3", "p2", 1, {0.1, 0.8, 0.1}),
          one_class("case_4", "p3", 1, {0.41, 0.39, 0.2}),
          one_class("case_5", "p4", 0, {0.55, 0.25, 0.2})};
}

// Run folders of classifications.
class ClassifiedRuns : public testing::Test {
 protected:
  const std::vector<std::string> names_{"none", "cyst", "mass"};

  [[nodiscard]] std::filesystem::path run(const std::string& name) const {
    return folder_.path() / name;
  }

  [[nodiscard]] std::filesystem::path summary(const std::string& name) const {
    return run(name) / "evaluation" / "summary.json";
  }

  void write_run(const std::string& name,
                 const std::string& facts,
                 const std::string& task = "classify") const {
    write_atomically(run(name) / "manifest.json",
                     R"({"task":")" + task + R"(","facts":)" + facts + "}");
    write_atomically(run(name) / "config.yaml", "encoder:\n  name: resnet\n");
    write_atomically(run(name) / "metrics.jsonl",
                     "{\"step\":10,\"loss\":1.0}\n{\"step\":20,\"loss\":0.5}\n"
                     "{\"step\":20,\"validation\":0.6}\n{\"step\":40,\"validation\":0.7}\n");
  }

  void write_summary(const std::string& name,
                     std::vector<ClassifiedCase> cases,
                     const std::vector<std::string>& names,
                     bool findings = false) const {
    write_atomically(
        summary(name),
        classification_json(evaluate_classification(std::move(cases), names, findings, {})));
  }

  [[nodiscard]] ReportSources sources_of(const std::string& name) const {
    ReportSources sources;
    sources.run = run(name);
    return sources;
  }

  void expect_error(const ReportSources& sources, ErrorCode code, const std::string& words) const {
    try {
      (void)collect_report(sources);
      FAIL() << "expected an Error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  }

  TemporaryFolder folder_;
};

}  // namespace marrow
