// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/static_check.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <utility>
#include <variant>

#include "guidon/eval/compile_check.hpp"
#include "guidon/eval/condition_logic.hpp"
#include "guidon/eval/number.hpp"

namespace guidon::eval {
namespace {

using model::Condition;
using model::ConditionGroup;
using model::ConditionNode;
using model::FlagFields;
using model::Operator;
using model::Value;
using Polarity = ConditionLogic::Polarity;
using Values = ConditionLogic::Values;

constexpr std::array<std::string_view, 30> kCodes = {"unreachableRule",
                                                     "impossibleRule",
                                                     "alwaysTrueRule",
                                                     "ruleOver",
                                                     "impossibleCondition",
                                                     "contradiction",
                                                     "onlyLists",
                                                     "emptyValues",
                                                     "emptyGroup",
                                                     "emptySegment",
                                                     "duplicateValue",
                                                     "shareOfNothing",
                                                     "splitOfOne",
                                                     "rolloutOfNothing",
                                                     "rolloutOfEverything",
                                                     "rolloutWithoutEffect",
                                                     "bucketByAttribute",
                                                     "bucketByWithoutSplit",
                                                     "saltWithoutSplit",
                                                     "offServesDefault",
                                                     "killServesDefault",
                                                     "unservedVariation",
                                                     "overrideWithoutVariation",
                                                     "expired",
                                                     "prerequisiteNotServed",
                                                     "unknownPrerequisite",
                                                     "unknownPrerequisiteVariation",
                                                     "prerequisiteCycle",
                                                     "unknownSegment",
                                                     "doesNotCompile"};

std::string Quoted(std::string_view name) { return "'" + std::string(name) + "'"; }
std::string Indexed(std::string path, std::string_view name, std::size_t index) {
  if (!path.empty() && !name.empty()) path += '.';
  return path.append(name).append("[").append(std::to_string(index)).append("]");
}
std::string Below(std::string path, std::string_view name) { return path.append(".").append(name); }

struct NumberBefore {
  bool operator()(const Number& a, const Number& b) const { return Compare(a, b) < 0; }
};

// The first value that was there before; values.size() where none was.
std::size_t FirstDuplicate(const std::vector<Value>& values) {
  std::set<std::string_view> texts;
  std::set<Number, NumberBefore> numbers;
  std::set<bool> booleans;
  for (std::size_t i = 0; i < values.size(); ++i) {
    bool is_new = true;
    if (const std::string* text = values[i].AsString()) {
      is_new = texts.insert(*text).second;
    } else if (const auto number = NumberOf(values[i])) {
      is_new = numbers.insert(*number).second;
    } else if (const bool* boolean = values[i].AsBool()) {
      is_new = booleans.insert(*boolean).second;
    }
    if (!is_new) return i;
  }
  return values.size();
}

// What a rule's conditions come to, worked out once and compared with those of every other rule.
struct RuleLogic {
  ConditionLogic::Terms holds = std::nullopt;
  ConditionLogic::Terms fails = std::nullopt;
  bool never = false;
};

class FlagCheck {
 public:
  FlagCheck(const model::Flag& flag, const Surroundings& around)
      : flag_(*flag), around_(around), logic_([this](std::string_view key) { return NobodyIn(key); }) {}

  std::vector<Finding> Run() {
    CheckServed();
    CheckRollout();
    CheckBucketing();
    CheckExpiry();
    CheckPrerequisites();
    CheckRules();
    CheckUnserved();
    CheckOverrides();
    return std::move(findings_);
  }

 private:
  void Report(Severity severity, std::string_view code, std::string field, std::string message) {
    findings_.push_back({.severity = severity,
                         .code = code,
                         .field = std::move(field),
                         .rule_id = rule_id_,
                         .message = std::move(message)});
  }
  void Warn(std::string_view code, std::string field, std::string message) {
    Report(Severity::kWarning, code, std::move(field), std::move(message));
  }

  bool NobodyIn(std::string_view segment_key) const {
    if (!around_.segment) return false;
    const auto segment = around_.segment(segment_key);
    return !segment || !segment->has_members;
  }

  // Attributes outside of rules ------------------------------------------------------------------------------------

  void CheckServed() {
    if (SameValue(flag_.default_variation, flag_.off_variation))
      Warn("offServesDefault", "offVariation",
           "On and off are the same: the off variation has the value of the default variation.");
    if (flag_.kill_variation && SameValue(*flag_.kill_variation, flag_.default_variation))
      Warn("killServesDefault", "killVariation",
           "A kill switch would change nothing: the kill variation has the value of the default variation.");
  }
  bool SameValue(const std::string& a, const std::string& b) const {
    // One that was left out is the default in the caller's code.
    const auto value_a = flag_.variations.find(a);
    const auto value_b = flag_.variations.find(b);
    return value_a != flag_.variations.end() && value_b != flag_.variations.end() && value_a->second == value_b->second;
  }

  void CheckRollout() {
    if (!flag_.rollout_percentage) return;
    const std::int64_t share = flag_.rollout_percentage->thousandths();
    if (!flag_.default_enabled)
      Warn("rolloutWithoutEffect", "rolloutPercentage",
           "The percentage has no effect while defaultEnabled is false: everybody gets the off variation.");
    if (share == 0)
      Warn("rolloutOfNothing", "rolloutPercentage", "0 % gives everybody the off variation.");
    else if (share == model::kPercentageMax)
      Warn("rolloutOfEverything", "rolloutPercentage",
           "100 % gives everybody the default variation: without a percentage it does the same.");
  }

  bool HasSplit() const {
    if (flag_.rollout_percentage) return true;
    return std::ranges::any_of(flag_.targeting_rules, [](const model::Rule& rule) {
      return std::holds_alternative<model::Split>(rule.serve);
    });
  }

  void CheckBucketing() {
    // An expression may split in ways of its own.
    if (flag_.targeting && !flag_.rollout_percentage) return;
    if (!HasSplit()) {
      if (flag_.bucket_by)
        Warn("bucketByWithoutSplit", "bucketBy", "Nothing in this flag is split, so nothing is bucketed.");
      if (flag_.rollout_salt)
        Warn("saltWithoutSplit", "rolloutSalt", "Nothing in this flag is split, so nothing is salted.");
      return;
    }
    if (flag_.bucket_by && *flag_.bucket_by != "targetingKey" && *flag_.bucket_by != "tenantId")
      Warn("bucketByAttribute", "bucketBy",
           "Contexts without a text in " + Quoted(*flag_.bucket_by) + " get the error TARGETING_KEY_MISSING.");
  }

  void CheckExpiry() {
    if (!flag_.expires_at || *flag_.expires_at > around_.now) return;
    Warn("expired", "expiresAt",
         "The flag expired at " + base::FormatTimestamp(*flag_.expires_at) + ": everybody gets the off variation.");
  }

  void CheckPrerequisites() {
    if (around_.leads_back)
      Report(Severity::kError, "prerequisiteCycle", "prerequisites", "The prerequisites lead back to the flag itself.");
    if (!around_.flag) return;
    for (std::size_t i = 0; i < flag_.prerequisites.size(); ++i)
      CheckPrerequisite(flag_.prerequisites[i], Indexed("", "prerequisites", i));
  }

  void CheckPrerequisite(const model::Prerequisite& one, const std::string& path) {
    const auto other = around_.flag(one.flag_key);
    if (!other) {
      Report(Severity::kError, "unknownPrerequisite", Below(path, "flagKey"),
             "There is no flag " + Quoted(one.flag_key) + ": everybody gets the off variation.");
      return;
    }
    if (!other->readable) return;
    if (other->state != model::FlagState::kEnabled)
      Warn("prerequisiteNotServed", Below(path, "flagKey"),
           "The flag " + Quoted(one.flag_key) + " is " + std::string(NameOf(other->state)) +
               " and serves nothing: everybody gets the off variation.");
    for (std::size_t i = 0; i < one.variations.size(); ++i) {
      if (std::ranges::find(other->variations, one.variations[i]) != other->variations.end()) continue;
      Report(Severity::kError, "unknownPrerequisiteVariation", Indexed(path, "variations", i),
             "The flag " + Quoted(one.flag_key) + " has no variation " + Quoted(one.variations[i]) + ".");
    }
  }

  std::set<std::string_view> ServedVariations() const {
    std::set<std::string_view> served = {flag_.default_variation, flag_.off_variation};
    if (flag_.kill_variation) served.insert(*flag_.kill_variation);
    for (const model::Rule& rule : flag_.targeting_rules) {
      if (const auto* split = std::get_if<model::Split>(&rule.serve)) {
        for (const model::WeightedVariation& share : *split)
          if (share.weight > 0) served.insert(share.variation);
      } else {
        served.insert(std::get<std::string>(rule.serve));
      }
    }
    served.insert(around_.overridden_to.begin(), around_.overridden_to.end());
    return served;
  }

  void CheckUnserved() {
    // What an expression names is only known when it is evaluated.
    if (flag_.targeting) return;
    const auto served = ServedVariations();
    for (const auto& [name, value] : flag_.variations) {
      if (served.contains(name)) continue;
      Warn("unservedVariation", Below("variations", name),
           "No rule, split, override or default serves the variation " + Quoted(name) + ".");
    }
  }

  void CheckOverrides() {
    for (const std::string& name : std::set(around_.overridden_to.begin(), around_.overridden_to.end())) {
      if (flag_.variations.contains(name)) continue;
      Warn(
          "overrideWithoutVariation", "variations",
          "Tenant overrides name the variation " + Quoted(name) + ", which the flag does not have: they do not apply.");
    }
  }

  // Rules ----------------------------------------------------------------------------------------------------------

  void CheckRules() {
    std::vector<RuleLogic> logics;
    for (std::size_t i = 0; i < flag_.targeting_rules.size(); ++i) {
      const model::Rule& rule = flag_.targeting_rules[i];
      rule_id_ = rule.id;
      const std::string path = Indexed("", "targetingRules", i);
      RuleLogic& own = logics.emplace_back(LogicOf(rule));
      if (rule.when) CheckWhen(*rule.when, Below(path, "when"), own);
      CheckServe(rule, path);
      if (IsOver(rule))
        Warn("ruleOver", Below(path, "endsAt"), "The rule ended at " + base::FormatTimestamp(*rule.ends_at) + ".");
      else if (!own.never)
        CheckReach(i, path, logics);
    }
    rule_id_.clear();
  }

  RuleLogic LogicOf(const model::Rule& rule) {
    if (!rule.when)
      return {.holds = std::vector<ConditionLogic::Term>(1), .fails = std::vector<ConditionLogic::Term>()};
    RuleLogic logic{.holds = ConditionLogic::Expand(*rule.when, Polarity::kTrue),
                    .fails = ConditionLogic::Expand(*rule.when, Polarity::kNotTrue)};
    logic.never = logic_.Impossible(logic.holds, Values::kAny);
    return logic;
  }

  bool IsOver(const model::Rule& rule) const { return rule.ends_at && *rule.ends_at <= around_.now; }

  // From now on, the earlier rule is in force whenever the later is.
  bool Outlasts(const model::Rule& earlier, const model::Rule& later) const {
    const auto start = [&](const model::Rule& rule) {
      return std::max(around_.now, rule.starts_at.value_or(around_.now));
    };
    if (start(earlier) > start(later)) return false;
    return !earlier.ends_at || (later.ends_at && *later.ends_at <= *earlier.ends_at);
  }

  void CheckReach(std::size_t index, const std::string& path, const std::vector<RuleLogic>& logics) {
    const auto& rules = flag_.targeting_rules;
    for (std::size_t earlier = 0; earlier < index; ++earlier) {
      if (!Outlasts(rules[earlier], rules[index]) || !logic_.Implies(logics[index].holds, logics[earlier].fails))
        continue;
      Warn("unreachableRule", path,
           "Nobody reaches this rule: the earlier rule " + Quoted(rules[earlier].id) +
               (rules[earlier].everyone ? " is for everyone." : " matches everybody whom this one would match."));
      return;
    }
  }

  void CheckServe(const model::Rule& rule, const std::string& path) {
    const auto* split = std::get_if<model::Split>(&rule.serve);
    if (split == nullptr) return;
    std::size_t with_weight = 0;
    for (std::size_t i = 0; i < split->size(); ++i) {
      if ((*split)[i].weight > 0) {
        ++with_weight;
      } else {
        Warn("shareOfNothing", Indexed(path, "split", i),
             "The variation " + Quoted((*split)[i].variation) + " has the weight 0 and is served to nobody here.");
      }
    }
    if (with_weight == 1)
      Warn("splitOfOne", Below(path, "split"),
           "One variation has all the weight: name it as the rule's variation instead.");
  }

  void CheckWhen(const ConditionGroup& when, const std::string& path, const RuleLogic& logic) {
    CheckGroup(when, path);
    if (logic.never)
      Warn("impossibleRule", path, "The conditions of this rule can never be true: it matches nobody.");
    else if (logic_.Impossible(logic.fails, Values::kAny))
      Warn("alwaysTrueRule", path, "The conditions of this rule are always true: write \"everyone\": true.");
  }

  // What is below the group and can never be true. True where something was said about the group or below it.
  bool CheckGroup(const ConditionGroup& group, const std::string& path) {
    if (group.children.empty()) {
      Warn("emptyGroup", path, "An empty group matches nobody.");
      return true;
    }
    bool said = false;
    for (std::size_t i = 0; i < group.children.size(); ++i) {
      const std::string child_path = Indexed(path, NameOf(group.kind), i);
      if (const auto* child = std::get_if<ConditionGroup>(&group.children[i])) {
        said |= CheckGroup(*child, child_path);
      } else {
        said |= CheckCondition(std::get<Condition>(group.children[i]), child_path);
      }
    }
    return said || CheckTogether(group, path);
  }

  // Conditions that are possible one by one, and not together.
  bool CheckTogether(const ConditionGroup& group, const std::string& path) {
    const auto holds = ConditionLogic::Expand(group, Polarity::kTrue);
    if (logic_.Impossible(holds, Values::kAny)) {
      Warn("contradiction", path, "These conditions can never be true together.");
      return true;
    }
    if (!logic_.Impossible(holds, Values::kNoLists)) return false;
    Warn("onlyLists", path,
         "These conditions can be true together only where " + Quoted(logic_.ClashingAttribute(holds)) +
             " is a list: no single value meets them.");
    return true;
  }

  bool CheckCondition(const Condition& condition, const std::string& path) {
    CheckDuplicates(condition, path);
    if (condition.values.empty() && condition.op != Operator::kExists) {
      Warn("emptyValues", Below(path, "values"), "A condition without values matches nobody.");
      return true;
    }
    if (condition.op == Operator::kInSegment) return CheckSegments(condition, path);
    if (!logic_.Impossible(ConditionLogic::Expand(condition, Polarity::kTrue), Values::kAny)) return false;
    Warn("impossibleCondition", path, "This condition can never be true.");
    return true;
  }

  void CheckDuplicates(const Condition& condition, const std::string& path) {
    const std::size_t twin = FirstDuplicate(condition.values);
    if (twin < condition.values.size())
      Warn("duplicateValue", Indexed(path, "values", twin), "This value is in the list twice.");
  }

  bool CheckSegments(const Condition& condition, const std::string& path) {
    if (!around_.segment) return false;
    bool said = false;
    for (std::size_t i = 0; i < condition.values.size(); ++i) {
      const std::string* key = condition.values[i].AsString();
      const auto segment = around_.segment(*key);
      if (!segment) {
        Report(Severity::kError, "unknownSegment", Indexed(path, "values", i),
               "There is no segment " + Quoted(*key) + ": nobody is in it.");
      } else if (!segment->has_members) {
        Warn("emptySegment", Indexed(path, "values", i), "The segment " + Quoted(*key) + " has no members.");
      }
      said |= !segment || !segment->has_members;
    }
    return said;
  }

  const FlagFields& flag_;
  const Surroundings& around_;
  ConditionLogic logic_;
  std::string rule_id_;
  std::vector<Finding> findings_;
};

}  // namespace

std::span<const std::string_view> FindingCodes() { return kCodes; }

std::string_view NameOf(Severity severity) { return severity == Severity::kError ? "error" : "warning"; }

std::vector<Finding> CheckFlag(const model::Flag& flag, const Surroundings& surroundings) {
  std::vector<Finding> findings = FlagCheck(flag, surroundings).Run();
  if (auto compiles = CheckCompiles(flag); !compiles)
    findings.push_back({.severity = Severity::kError,
                        .code = "doesNotCompile",
                        .field = std::move(compiles.error().field),
                        .message = std::move(compiles.error().message)});
  return findings;
}

}  // namespace guidon::eval
