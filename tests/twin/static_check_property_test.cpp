// SPDX-License-Identifier: Apache-2.0
// What eval::CheckFlag claims about rules and conditions must hold for every context. Asked of the naive evaluator,
// which shares nothing with the check.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "generator.hpp"
#include "guidon/eval/static_check.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "naive_evaluator.hpp"

namespace guidon::twin {
namespace {

using model::ConditionGroup;
using model::ConditionNode;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint64_t kScenarios = 300;
#else
constexpr std::uint64_t kScenarios = 4000;
#endif
#else
constexpr std::uint64_t kScenarios = 4000;
#endif
const base::Timestamp kNow = *base::ParseTimestamp("2026-11-22T12:00:00Z");

bool IsOneOf(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::ranges::find(codes, code) != codes.end();
}

// The number in the next brackets of a path; cuts up to behind them.
std::size_t TakeIndex(std::string_view& path) {
  const std::size_t from = path.find('[') + 1;
  const std::size_t to = path.find(']');
  const std::size_t index = std::stoul(std::string(path.substr(from, to - from)));
  path.remove_prefix(to + 1);
  return index;
}

// What lies at "targetingRules[1].when.all[0].any[2]" (or its values), as a group of its own.
ConditionGroup GroupAt(const model::FlagFields& flag, std::string_view path) {
  const model::Rule& rule = flag.targeting_rules.at(TakeIndex(path));
  ConditionNode node = *rule.when;
  if (path.ends_with(".values")) path.remove_suffix(std::string_view(".values").size());
  while (path.find('[') != std::string_view::npos) {
    const std::size_t index = TakeIndex(path);
    ConditionNode child = std::get<ConditionGroup>(node).children.at(index);
    node = std::move(child);
  }
  return {.kind = model::GroupKind::kAny, .children = {std::move(node)}};
}

bool HoldsList(const model::Context& context) {
  const auto holds = [](const auto& self, const model::Value& value) -> bool {
    if (value.AsList() != nullptr) return true;
    const model::Object* object = value.AsObject();
    return object != nullptr &&
           std::ranges::any_of(*object, [&](const auto& entry) { return self(self, entry.second); });
  };
  return std::ranges::any_of(context.attributes(), [&](const auto& entry) { return holds(holds, entry.second); });
}

// A flag whose only rule has these conditions: "on" where they are true.
model::Flag Probe(const ConditionGroup& group) {
  model::FlagFields fields;
  fields.flag_key = "probe";
  fields.environment = "production";
  fields.owner = "team-a";
  model::Rule rule;
  rule.id = "probe";
  rule.when = group;
  rule.serve = "on";
  fields.targeting_rules = {std::move(rule)};
  auto flag = model::Flag::Create(std::move(fields));
  if (!flag) std::abort();
  return *std::move(flag);
}

class Claims {
 public:
  Claims(const Scenario& scenario, std::map<std::string_view, int>& count)
      : scenario_(scenario), count_(count), world_(scenario.last_good, scenario.present) {}

  void Check(const model::Flag& flag, const eval::Finding& finding) {
    ++count_[finding.code];
    if (IsOneOf(finding.code, {"unreachableRule", "impossibleRule", "ruleOver"})) return NeverDecides(flag, finding);
    if (finding.code == "alwaysTrueRule") return NobodyPasses(flag, finding);
    if (IsOneOf(finding.code, {"emptyValues", "emptyGroup", "impossibleCondition", "contradiction"}))
      return NeverTrue(flag, finding, false);
    if (finding.code == "onlyLists") return NeverTrue(flag, finding, true);
  }

 private:
  template <class IsWrong>
  void ForAll(const World& world, const std::string& flag_key, const model::Flag& flag, const eval::Finding& finding,
              IsWrong is_wrong) {
    Coverage ignored;
    for (const auto& [context, now] : scenario_.questions) {
      const Answer answer = EvaluateNaively(world, flag_key, context, now, ignored);
      ASSERT_FALSE(is_wrong(answer, context))
          << finding.code << " at " << finding.field << ": " << finding.message << "\n"
          << json::Write(json::FlagToJson(flag)) << "\n"
          << json::Write(context.attributes()) << " key "
          << (context.targeting_key() == nullptr ? "-" : *context.targeting_key());
    }
  }

  void NeverDecides(const model::Flag& flag, const eval::Finding& finding) {
    ForAll(world_, flag->flag_key, flag, finding,
           [&](const Answer& answer, const model::Context&) { return answer.rule_id == finding.rule_id; });
  }

  // Rules are numbered in their order: this one or an earlier one decides.
  void NobodyPasses(const model::Flag& flag, const eval::Finding& finding) {
    const auto rule = std::ranges::find(flag->targeting_rules, finding.rule_id, &model::Rule::id);
    if (rule->starts_at || rule->ends_at) return;
    ForAll(world_, flag->flag_key, flag, finding, [&](const Answer& answer, const model::Context&) {
      return answer.rule_id.empty() || answer.rule_id > finding.rule_id;
    });
  }

  void NeverTrue(const model::Flag& flag, const eval::Finding& finding, bool without_lists) {
    const model::Flag probe = Probe(GroupAt(*flag, finding.field));
    World world = world_;
    world.flags["probe"].good = probe;
    ForAll(world, "probe", probe, finding, [&](const Answer& answer, const model::Context& context) {
      return !answer.rule_id.empty() && !(without_lists && HoldsList(context));
    });
  }

  const Scenario& scenario_;
  std::map<std::string_view, int>& count_;
  World world_;
};

TEST(StaticCheck, ClaimsNothingThatAContextDisproves) {
  std::map<std::string_view, int> count;
  std::uint64_t flags = 0;
  for (std::uint64_t i = 0; i < kScenarios; ++i) {
    Random random(20'261'123, i);
    const Scenario scenario = AnyRelatedRules(random);
    const auto snapshot = eval::Snapshot::Build(scenario.present);
    Claims claims(scenario, count);
    for (const model::Flag& flag : scenario.present.flags) {
      ++flags;
      for (const eval::Finding& finding : eval::CheckFlag(flag, eval::SurroundingsIn(*snapshot, flag, kNow))) {
        claims.Check(flag, finding);
        if (::testing::Test::HasFatalFailure()) FAIL() << "scenario " << i;
      }
    }
  }
  for (const auto& [code, times] : count) std::cout << code << ": " << times << "\n";
  std::cout << flags << " flags\n";
  // Agreement on claims that were never made would prove nothing.
  for (const char* code : {"unreachableRule", "impossibleRule", "ruleOver", "alwaysTrueRule", "emptyValues",
                           "impossibleCondition", "contradiction", "onlyLists"})
    EXPECT_GE(count[code], 20) << code;
}

// Whatever is claimed of the widest environments, with all features, must hold too: the rule that decides is never one
// that was called unreachable, and nobody gets what is never served.
TEST(StaticCheck, HoldsInWholeEnvironments) {
  Coverage ignored;
  int claims = 0;
  for (std::uint64_t i = 0; i < kScenarios / 4; ++i) {
    Random random(7, i);
    const Scenario scenario = AnyScenario(random);
    const auto snapshot = eval::Snapshot::Build(scenario.present);
    const World world({}, scenario.present);
    for (const model::Flag& flag : scenario.present.flags) {
      if (world.flags.at(flag->flag_key).is_broken) continue;
      std::set<std::string> dead_rules;
      std::set<std::string> unserved;
      for (const eval::Finding& one : eval::CheckFlag(flag, eval::SurroundingsIn(*snapshot, flag, kNow))) {
        if (IsOneOf(one.code, {"unreachableRule", "impossibleRule", "ruleOver"})) dead_rules.insert(one.rule_id);
        if (one.code == "unservedVariation") unserved.insert(one.field.substr(std::string_view("variations.").size()));
      }
      claims += static_cast<int>(dead_rules.size() + unserved.size());
      for (const auto& [context, now] : scenario.questions) {
        if (now < kNow) continue;
        const Answer answer = EvaluateNaively(world, flag->flag_key, context, now, ignored);
        ASSERT_FALSE(dead_rules.contains(answer.rule_id)) << "scenario " << i << " " << flag->flag_key;
        ASSERT_FALSE(answer.variation && unserved.contains(*answer.variation)) << "scenario " << i;
      }
    }
  }
  EXPECT_GE(claims, 20);
}

}  // namespace
}  // namespace guidon::twin
