#include "core/config/node.h"

#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "core/error.h"
#include "core/text.h"

namespace marrow {

namespace {

constexpr int kMaxDepth = 32;

// A few lines of aliases of aliases unfold to more values than fit in memory, and no preset needs
// one.
class AnchorRefuser : public YAML::EventHandler {
 public:
  explicit AnchorRefuser(const std::string& file) : file_(file) {}

  void OnDocumentStart(const YAML::Mark&) override {}

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { refuse(mark, anchor); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { refuse(mark, anchor); }

  void OnScalar(const YAML::Mark& mark,
                const std::string&,
                YAML::anchor_t anchor,
                const std::string&) override {
    refuse(mark, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark,
                       const std::string&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse(mark, anchor);
  }

  void OnSequenceEnd() override {}

  void OnMapStart(const YAML::Mark& mark,
                  const std::string&,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse(mark, anchor);
  }

  void OnMapEnd() override {}

 private:
  void refuse(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "configuration: anchors (&) and aliases (*) are not read; write the value out (" +
                      file_ + ", line " + std::to_string(mark.line + 1) + ")");
    }
  }

  const std::string& file_;
};

std::shared_ptr<const ConfigNode> convert(const YAML::Node& yaml,
                                          const std::string& file,
                                          int depth) {
  auto node = std::make_shared<ConfigNode>();
  node->file = file;
  node->line = yaml.Mark().line + 1;
  if (depth > kMaxDepth) {
    throw Error(ErrorCode::kInvalidArgument, "configuration: nested too deeply" + node->place());
  }
  if (yaml.IsMap()) {
    node->kind = ConfigNode::Kind::kMap;
    std::set<std::string> keys;
    for (const auto& entry : yaml) {
      const std::string key = entry.first.as<std::string>();
      if (!keys.insert(key).second) {
        throw Error(ErrorCode::kInvalidArgument,
                    "configuration: \"" + printable(key) + "\" is given twice (" + file +
                        ", line " + std::to_string(entry.first.Mark().line + 1) + ")");
      }
      node->entries.emplace_back(key, convert(entry.second, file, depth + 1));
    }
  } else if (yaml.IsSequence()) {
    node->kind = ConfigNode::Kind::kList;
    for (const auto& item : yaml) {
      node->items.push_back(convert(item, file, depth + 1));
    }
  } else {
    node->kind = yaml.IsNull() ? ConfigNode::Kind::kMap : ConfigNode::Kind::kScalar;
    node->scalar = yaml.IsNull() ? "" : yaml.Scalar();
  }
  return node;
}

// Whether `over` chooses another part than `under`.
bool another_part(const ConfigNode& under, const ConfigNode& over) {
  const auto part = under.find("name");
  const auto chosen = over.find("name");
  return part != nullptr && chosen != nullptr && part->scalar != chosen->scalar;
}

std::shared_ptr<const ConfigNode> laid_over(const std::shared_ptr<const ConfigNode>& under,
                                            const std::shared_ptr<const ConfigNode>& over,
                                            bool parts_start_anew) {
  if (under == nullptr || under->kind != ConfigNode::Kind::kMap ||
      over->kind != ConfigNode::Kind::kMap) {
    return over;
  }
  auto result = std::make_shared<ConfigNode>(*under);
  if (parts_start_anew && another_part(*under, *over)) {
    std::erase_if(result->entries, [](const auto& entry) {
      return entry.first != "dimensions" && entry.first != "input_channels";
    });
  }
  for (const auto& [key, value] : over->entries) {
    bool found = false;
    for (auto& [name, existing] : result->entries) {
      if (name == key) {
        existing = laid_over(existing, value, parts_start_anew);
        found = true;
      }
    }
    if (!found) {
      result->entries.emplace_back(key, value);
    }
  }
  return result;
}

}  // namespace

std::shared_ptr<const ConfigNode> parse_yaml(const std::string& text, const std::string& file) {
  try {
    std::istringstream stream(text);
    AnchorRefuser no_anchors(file);
    YAML::Parser(stream).HandleNextDocument(no_anchors);
    return convert(YAML::Load(text), file, 0);
  } catch (const YAML::Exception& error) {
    throw Error(ErrorCode::kInvalidArgument,
                "configuration: " + file + " is not valid YAML at line " +
                    std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

std::shared_ptr<const ConfigNode> overlaid(const std::shared_ptr<const ConfigNode>& under,
                                           const std::shared_ptr<const ConfigNode>& over) {
  return laid_over(under, over, false);
}

std::shared_ptr<const ConfigNode> merged(const std::shared_ptr<const ConfigNode>& under,
                                         const std::shared_ptr<const ConfigNode>& over) {
  return laid_over(under, over, true);
}

}  // namespace marrow
