#include "volumes/reduction/balance_filter.h"
#include "volumes/reduction/coreset_filter.h"
#include "volumes/reduction/embedding_filter.h"
#include "volumes/reduction/entropy_filter.h"
#include "volumes/reduction/every_n.h"
#include "volumes/reduction/flag_filters.h"
#include "volumes/reduction/hash_filters.h"
#include "volumes/reduction/outlier_filter.h"
#include "volumes/reduction/picture_filters.h"
#include "volumes/reduction/redundancy_filter.h"
#include "volumes/reduction/volume_filter.h"
#include "volumes/reduction/volume_filters.h"

namespace marrow {

const SliceFilters& slice_filters() {
  static const SliceFilters builtin = [] {
    SliceFilters filters("slice filter");
    filters.add<EveryNOptions>("one slice in n, whatever they show", make_every_n);
    filters.add<DifferenceHashOptions>("slices whose difference hashes differ in few bits",
                                       make_dhash);
    filters.add<PerceptualHashOptions>("slices whose perceptual hashes differ in few bits",
                                       make_phash);
    filters.add<SsimOptions>("slices of high structural similarity", make_ssim);
    filters.add<MutualInformationOptions>("slices that share many bits of information",
                                          make_mutual_information);
    filters.add<NormalisedInformationOptions>("slices that share a large part of their information",
                                              make_nmi);
    filters.add<EntropyOptions>("slices that show next to nothing", make_entropy);
    filters.add<EmbeddingOptions>("slices in which an encoder sees the same", make_embedding);
    return filters;
  }();
  return builtin;
}

const VolumeFilters& volume_filters() {
  static const VolumeFilters builtin = [] {
    VolumeFilters filters("volume filter");
    filters.add<BlankOptions>("volumes that show nothing", make_blank);
    filters.add<ScoutOptions>("scouts and slabs too thin for a volume", make_scout);
    filters.add<PhantomOptions>("test objects: the header says so, or CT of water in air",
                                make_phantom);
    filters.add<ExactOptions>("volumes with the same voxels, in whatever format", make_exact);
    filters.add<VolumeHashOptions>("volumes that look alike: another kernel, another export",
                                   make_volume_hash);
    filters.add<VolumeEmbeddingOptions>("volumes in which an encoder sees the same",
                                        make_volume_embedding);
    filters.add<OutlierFilterOptions>("volumes far from the others of their modality",
                                      make_outlier);
    filters.add<BalanceFilterOptions>("of what the archive holds most, all but some", make_balance);
    filters.add<CoresetFilterOptions>("all but those nearest to a target set", make_coreset);
    return filters;
  }();
  return builtin;
}

}  // namespace marrow
