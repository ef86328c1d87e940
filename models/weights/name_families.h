#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marrow {

// How another tool names the weights of one of our encoders. Prefixes such as "module." are peeled
// before (name_map.h).
struct NameFamily {
  std::string_view name;     // as --names takes it: "torchvision"
  std::string_view encoder;  // the part it belongs to: "resnet"
  std::string_view tools;    // for people: "torchvision and MONAI"
  // Our name of the tensor that they call `theirs`; nothing when the encoder cannot have it.
  std::optional<std::string> (*ours)(std::string_view theirs);
  // Every name under which they keep our tensor; null when such files are read but not written.
  std::vector<std::string> (*theirs)(std::string_view ours);
};

// Families of an encoder, the one that an export takes by default first. Encoders without any are
// read and written under our own names.
[[nodiscard]] std::vector<NameFamily> name_families(std::string_view encoder);

// Our own names, which every encoder has: "marrow".
[[nodiscard]] const NameFamily& own_names();

// The family that --names asks for; "" takes the first. Throws Error{kInvalidArgument} with the
// names that this encoder can be written in.
[[nodiscard]] NameFamily export_family(std::string_view encoder, std::string_view name);

}  // namespace marrow
