#include "volumes/samplers/body_patch.h"
#include "volumes/samplers/label_patch.h"
#include "volumes/samplers/sampler.h"
#include "volumes/samplers/slice.h"
#include "volumes/samplers/uniform_patch.h"
#include "volumes/samplers/whole_case.h"

namespace marrow {

void add_builtin_samplers(Samplers& samplers) {
  samplers.add<UniformPatchOptions>("patches anywhere in the volume", make_uniform_patch);
  samplers.add<BodyPatchOptions>("patches centred on the body", make_body_patch);
  samplers.add<LabelPatchOptions>("patches centred on labelled structures", make_label_patch);
  samplers.add<SliceOptions>("single slices for 2D networks", make_slice);
  samplers.add<WholeCaseOptions>("whole cases, for classification", make_whole_case);
}

}  // namespace marrow
