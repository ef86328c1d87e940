#include "models/classifier_head.h"
#include "models/heads/attention_classifier.h"
#include "models/heads/linear_classifier.h"

namespace marrow {

void add_builtin_classifier_heads(ClassifierHeads& heads) {
  heads.add<LinearClassifierOptions>("Mean over the parts of an image, then one linear layer",
                                     make_linear_classifier);
  heads.add<AttentionClassifierOptions>(
      "Weighted mean over the parts of an image, the weights learnt (gated attention)",
      make_attention_classifier);
}

}  // namespace marrow
