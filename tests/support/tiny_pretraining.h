#pragma once

#include <string>
#include <vector>

namespace marrow::test {

// `words` of `marrow pretrain`, or of what calls it, for SparK on slices in a second.
inline std::vector<std::string> with_tiny_pretraining(std::vector<std::string> words) {
  for (const char* const word : {"encoder.features=[4,8]",
                                 "encoder.strides=[1,2]",
                                 "encoder.blocks=[1,1]",
                                 "encoder.stem_stride=1",
                                 "method.decoder=light",
                                 "method.decoder_widths=[]",
                                 "data.patch_size=[16,16]",
                                 "train.batch_size=2"}) {
    words.emplace_back(word);
  }
  return words;
}

}  // namespace marrow::test
