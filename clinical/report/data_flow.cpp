#include "clinical/report/data_flow.h"

#include <nlohmann/json.hpp>

#include "clinical/report/number_text.h"
#include "core/error.h"
#include "core/files.h"

namespace marrow {

namespace {

constexpr int kFlowVersion = 1;

nlohmann::ordered_json flow_steps_json(const std::vector<FlowStep>& steps) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const FlowStep& step : steps) {
    nlohmann::ordered_json losses = nlohmann::ordered_json::array();
    for (const FlowLoss& loss : step.losses) {
      losses.push_back({{"reason", loss.reason}, {"count", loss.count}});
    }
    list.push_back({{"label", step.label},
                    {"count", step.count},
                    {"note", step.note},
                    {"losses", std::move(losses)}});
  }
  return list;
}

std::vector<FlowStep> flow_steps_from(const nlohmann::json& list) {
  std::vector<FlowStep> steps;
  for (const nlohmann::json& entry : list) {
    FlowStep step{entry.at("label").get<std::string>(),
                  entry.at("count").get<std::int64_t>(),
                  entry.at("note").get<std::string>(),
                  {}};
    for (const nlohmann::json& loss : entry.at("losses")) {
      step.losses.push_back(
          {loss.at("reason").get<std::string>(), loss.at("count").get<std::int64_t>()});
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

Html flow_arrow(const char* words) {
  return html_element("span", {{"class", "arrow"}, {"aria-hidden", "true"}}, html_text(words));
}

Html flow_stage(const FlowStep& step) {
  Html words = html_text(step.label);
  if (!step.note.empty()) {
    words += html_text(" ") + html_element("small", html_text(step.note));
  }
  return html_element(
      "div",
      {{"class", "stage"}},
      html_element("strong", html_text(count_text(step.count))) + html_element("span", words));
}

Html flow_losses(const FlowStep& step) {
  Html items;
  for (const FlowLoss& loss : step.losses) {
    items += html_element("li",
                          html_element("b", html_text(count_text(-loss.count))) +
                              html_element("span", html_text(loss.reason)));
  }
  return items.empty() ? Html{} : html_element("ul", {{"class", "losses"}}, items);
}

Html drawn_flow_steps(const std::vector<FlowStep>& steps, bool led_to) {
  Html list;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Html item = (i > 0 || led_to ? flow_arrow("\u2193") : Html{}) + flow_stage(steps[i]);
    list += html_element("li", item + flow_losses(steps[i])) + html_code("\n");
  }
  return list.empty() ? Html{} : html_element("ol", {{"class", "flow"}}, list);
}

}  // namespace

std::string flow_to_json(const DataFlow& flow) {
  nlohmann::ordered_json branches = nlohmann::ordered_json::array();
  for (const FlowBranch& branch : flow.branches) {
    branches.push_back({{"name", branch.name}, {"steps", flow_steps_json(branch.steps)}});
  }
  const nlohmann::ordered_json json = {{"version", kFlowVersion},
                                       {"title", flow.title},
                                       {"steps", flow_steps_json(flow.steps)},
                                       {"branches", std::move(branches)}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::optional<DataFlow> read_flow(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    return std::nullopt;
  }
  const nlohmann::json json = nlohmann::json::parse(read_text(file), nullptr, false);
  try {
    const int version = json.at("version").get<int>();
    if (version != kFlowVersion) {
      throw Error(ErrorCode::kUnsupported,
                  "flow: expected version " + std::to_string(kFlowVersion) + ", found " +
                      std::to_string(version) + " in " + file.string() +
                      "; repeat the command that wrote it");
    }
    DataFlow flow{json.at("title").get<std::string>(), flow_steps_from(json.at("steps")), {}};
    for (const nlohmann::json& branch : json.at("branches")) {
      flow.branches.push_back(
          {branch.at("name").get<std::string>(), flow_steps_from(branch.at("steps"))});
    }
    return flow;
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::kUnreadable,
                "flow: expected the counts of a stage, found something else in " + file.string() +
                    "; repeat the command that wrote it");
  }
}

Html flow_diagram(const DataFlow& flow) {
  Html diagram = drawn_flow_steps(flow.steps, false);
  Html branches;
  for (const FlowBranch& branch : flow.branches) {
    branches += drawn_flow_steps(branch.steps, !flow.steps.empty());
  }
  if (!branches.empty()) {
    diagram += html_code("\n") + html_element("div", {{"class", "branches"}}, branches);
  }
  return diagram.empty() ? Html{}
                         : html_element("div", {{"class", "whole"}}, diagram) + html_code("\n");
}

}  // namespace marrow
