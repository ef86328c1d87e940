#include "models/training/crash_note.h"

#include <gtest/gtest.h>

namespace marrow {
namespace {

TEST(CrashNoteDeathTest, SaysWhatGoesAroundAFaultInBfloat16) {
  EXPECT_EXIT(
      {
        const CrashNote note({.bf16 = true}, at::Device(at::kCPU));
        std::raise(SIGSEGV);
      },
      ::testing::ExitedWithCode(1),
      "train.precision=fp32");
}

TEST(CrashNoteDeathTest, LeavesOtherFaultsAsTheyWere) {
  const auto fault_after = [] {
    { const CrashNote gone({.bf16 = true}, at::Device(at::kCPU)); }
    const CrashNote other({.bf16 = false}, at::Device(at::kCPU));
    std::raise(SIGSEGV);
  };
  EXPECT_EXIT(fault_after(), ::testing::KilledBySignal(SIGSEGV), "");
}

}  // namespace
}  // namespace marrow
