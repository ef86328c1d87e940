#include <algorithm>

#include <fmt/format.h>

#include "clinical/report/ab_sections.h"
#include "clinical/report/page_frame.h"
#include "clinical/report/reduction_sections.h"

namespace marrow {

Html ab_method(const AbInput& input) {
  const bool slices = input.unit != "volumes";
  const bool every_n = std::any_of(
      input.arms.begin(), input.arms.end(), [](const AbArm& arm) { return arm.name == "every_n"; });
  std::vector<std::string> sentences{
      "all: pretraining on every one of the " + input.unit +
      ". reduced: without those that the reduction left out. initial: the same encoder without "
      "any pretraining, from the same seeds."};
  if (every_n) {
    sentences.push_back(
        "every_n: as many slices as reduced, of the same volumes, but evenly spaced. It is the "
        "control: a measure of likeness is worth its trouble only where reduced beats every_n.");
  }
  sentences.insert(
      sentences.end(),
      {"steps: as many training steps as all, so that each of the fewer " + input.unit +
           " is seen more often. epochs: each is seen as often as in all, so that training takes "
           "fewer steps and less time.",
       "Every encoder was frozen and probed on the same cases with the same labels: labelled cases "
       "were drawn anew for each draw, and each draw was used for every encoder. A linear probe "
       "fits a logistic regression on the features, nearest neighbours let the most similar "
       "labelled cases vote.",
       counted_text(input.seeds, "seed of pretraining was used", "seeds of pretraining were used") +
           ".",
       "Intervals are percentile bootstraps over the patients of the test part, the draws and the "
       "seeds at once. Differences are paired: the same patients, draws and seeds on both sides.",
       std::string(
           "AUROC is the mean of one class against the others; 0.5 is chance, 1 perfect.")});
  if (!slices) {
    sentences.push_back("There is no every_n arm in 3D, where whole volumes are left out.");
  }
  return sentence_list(sentences);
}

Html ab_limits(const AbInput& input) {
  std::vector<std::string> sentences{
      "Not for diagnosis, treatment or any decision about a patient.",
      "A result holds for this encoder, this pretraining, this length of training and these data "
      "sets. It need not hold for a larger encoder, a longer training or another task, "
      "segmentation for one."};
  if (input.seeds < 5) {
    sentences.push_back(
        "With " + counted_text(input.seeds, "seed", "seeds") +
        " little is known about how much a pretraining varies by itself, so that intervals are "
        "too narrow rather than too wide.");
  }
  if (input.planned_seeds > input.seeds) {
    sentences.push_back(
        fmt::format("{} of {} seeds are done; the page is written again after each.",
                    input.seeds,
                    input.planned_seeds));
  }
  sentences.push_back(
      "Where both encoders get every test case right, the interval of their difference is a point "
      "at 0. It says that this data set is too easy, not that they are equal.");
  sentences.push_back(
      "All numbers of labels share their test cases, and the fewer labels of a draw are among its "
      "more: that several of them point the same way is not independent evidence.");
  return sentence_list(sentences);
}

}  // namespace marrow
