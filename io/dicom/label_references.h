#pragma once

#include <string>
#include <vector>

class DcmItem;
class DcmTagKey;

namespace marrow {

// The images that a label object refers to.
struct LabelReferences {
  std::vector<std::string> series_uids;    // sorted, each once
  std::vector<std::string> instance_uids;  // sorted, each once
};

// The three below collect them, in any order until the last.

// The Series Instance UID of an item that describes a series, and the instances that the items of
// its `sequence` refer to.
void add_series(DcmItem& series, const DcmTagKey& sequence, LabelReferences& references);
// The Referenced SOP Instance UIDs of the items of a sequence.
void add_instances(DcmItem& item, const DcmTagKey& sequence, LabelReferences& references);
void sort_references(LabelReferences& references);

}  // namespace marrow
