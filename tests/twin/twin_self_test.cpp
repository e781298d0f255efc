// SPDX-License-Identifier: Apache-2.0
// The test of the test: the twin gives every answer of conformance/eval, and a fault in what the engine is given is
// found and shrunk to something that a person can read.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "comparison.hpp"
#include "counter_example.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::twin {
namespace {

using model::Condition;
using model::ConditionGroup;
using model::FlagFields;
using model::GroupKind;
using model::List;
using model::Object;
using model::Operator;
using model::Value;

const Value& Member(const Value& object, std::string_view name) {
  static const Value kNull;
  const Object* members = object.AsObject();
  const Value* member = members == nullptr ? nullptr : members->Find(name);
  return member == nullptr ? kNull : *member;
}
std::string Text(const Value& object, std::string_view name) {
  const std::string* text = Member(object, name).AsString();
  return text == nullptr ? "" : *text;
}
List Items(const Value& object, std::string_view name) {
  const List* items = Member(object, name).AsList();
  return items == nullptr ? List() : *items;
}

template <class Entity, class Decode>
void ReadAll(const Value& definitions, std::string_view name, Decode decode, std::vector<Entity>& out) {
  for (Value document : Items(definitions, name)) {
    if (Member(document, "environment").IsNull())
      document.MutableObject()->Set("environment", Member(definitions, "environment"));
    auto fields = decode(document);
    ASSERT_TRUE(fields) << fields.error().field << " " << fields.error().message;
    auto entity = Entity::Create(*std::move(fields));
    ASSERT_TRUE(entity) << entity.error().field << " " << entity.error().message;
    out.push_back(*std::move(entity));
  }
}

eval::Definitions ReadDefinitions(const Value& value) {
  eval::Definitions definitions;
  definitions.environment = Text(value, "environment");
  const auto flag = [](const Value& document) { return json::FlagFromJson(document, {}); };
  const auto segment = [](const Value& document) { return json::SegmentFromJson(document, {}); };
  ReadAll(value, "flags", flag, definitions.flags);
  ReadAll(value, "segments", segment, definitions.segments);
  ReadAll(value, "overrides", json::OverrideFromJson, definitions.overrides);
  ReadAll(value, "killSwitches", json::KillSwitchFromJson, definitions.kill_switches);
  return definitions;
}

// The twin knows rules; expressions in flagd's language have a twin of their own.
bool HasOnlyRules(const Value& suite) {
  for (const char* part : {"definitions", "lastGood"})
    for (const Value& flag : Items(Member(suite, part), "flags"))
      if (!Member(flag, "targeting").IsNull()) return false;
  return true;
}

Answer Expected(const Value& expect) {
  Answer answer;
  if (!Member(expect, "variation").IsNull()) answer.variation = Text(expect, "variation");
  if (!Member(expect, "value").IsNull()) answer.value = Member(expect, "value");
  const auto named = [](auto count, std::string_view name, auto& out) {
    using Enum = std::remove_reference_t<decltype(out)>;
    for (int i = 0; i < count; ++i)
      if (NameOf(static_cast<Enum>(i)) == name) out = static_cast<Enum>(i);
  };
  named(8, Text(expect, "reason"), answer.reason);
  named(7, Text(expect, "errorCode"), answer.error);
  const Value& metadata = Member(expect, "metadata");
  answer.rule_id = Text(metadata, "ruleId");
  answer.kill_switch = Text(metadata, "killSwitch");
  answer.expired = !Member(metadata, "expired").IsNull();
  answer.stale = !Member(metadata, "stale").IsNull();
  return answer;
}

std::size_t ReplaySuite(const Value& suite) {
  SCOPED_TRACE(Text(suite, "name"));
  if (!HasOnlyRules(suite)) return 0;
  const World world(ReadDefinitions(Member(suite, "lastGood")), ReadDefinitions(Member(suite, "definitions")));
  const auto now = base::ParseTimestamp(Text(suite, "now"));
  const List cases = Items(suite, "cases");
  Coverage coverage;
  for (const Value& one : cases) {
    const auto context = json::ContextFromJson(Member(one, "context"));
    EXPECT_TRUE(now && context);
    const Answer answer = EvaluateNaively(world, Text(one, "flag"), *context, *now, coverage);
    const Answer expected = Expected(Member(one, "expect"));
    EXPECT_TRUE(answer == expected) << Text(one, "name") << "\nexpected " << Describe(expected) << "\nbut is   "
                                    << Describe(answer);
  }
  return cases.size();
}

TEST(NaiveEvaluator, GivesEveryAnswerOfTheConformanceData) {
  constexpr std::size_t kCasesMin = 400;  // fewer: the files were not found
  std::size_t case_count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("conformance/eval")) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream stream(entry.path(), std::ios::binary);
    const auto file = json::Parse(std::string(std::istreambuf_iterator<char>(stream), {}));
    ASSERT_TRUE(file);
    for (const Value& suite : Items(*file, "suites")) case_count += ReplaySuite(suite);
  }
  EXPECT_GE(case_count, kCasesMin);
}

// Faults that an engine could have, as edits of what it reads.
template <class Edit>
void EditEach(std::vector<model::Flag>& flags, Edit edit) {
  for (model::Flag& flag : flags) {
    FlagFields fields = *flag;
    edit(fields);
    if (auto edited = model::Flag::Create(std::move(fields))) flag = *std::move(edited);
  }
}

template <class Edit>
Faults InFlags(Edit edit) {
  return [edit](Case& one) {
    EditEach(one.last_good.flags, edit);
    EditEach(one.present.flags, edit);
    for (eval::ChangeSet& changes : one.changes) EditEach(changes.flags, edit);
  };
}

template <class Edit>
Faults InRules(Edit edit) {
  return InFlags([edit](FlagFields& flag) {
    for (model::Rule& rule : flag.targeting_rules) edit(rule);
  });
}

template <class Edit>
void EditGroups(ConditionGroup& group, const Edit& edit) {
  edit(group);
  for (model::ConditionNode& child : group.children)
    if (auto* inner = std::get_if<ConditionGroup>(&child)) EditGroups(*inner, edit);
}

template <class Edit>
Faults InGroups(Edit edit) {
  return InRules([edit](model::Rule& rule) {
    if (rule.when) EditGroups(*rule.when, edit);
  });
}

template <class Edit>
Faults InConditions(Edit edit) {
  return InGroups([edit](ConditionGroup& group) {
    for (model::ConditionNode& child : group.children)
      if (auto* condition = std::get_if<Condition>(&child)) edit(*condition);
  });
}

Faults OperatorTaken(Operator from, Operator to) {
  return InConditions([from, to](Condition& condition) {
    if (condition.op == from) condition.op = to;
  });
}

Faults LastOperandForgotten(Operator op) {
  return InConditions([op](Condition& condition) {
    if (condition.op == op && !condition.values.empty()) condition.values.pop_back();
  });
}

template <class Edit>
Faults InSegments(Edit edit) {
  return [edit](Case& one) {
    for (auto* definitions : {&one.last_good, &one.present}) {
      for (model::Segment& segment : definitions->segments) {
        model::SegmentFields fields = *segment;
        edit(fields);
        segment = *model::Segment::Create(std::move(fields));
      }
    }
  };
}

Faults WithoutSwitches(model::KillScope::Kind kind) {
  return [kind](Case& one) {
    const auto is_of_kind = [kind](const model::KillSwitch& engaged) { return engaged->scope.kind() == kind; };
    std::erase_if(one.present.kill_switches, is_of_kind);
    for (eval::ChangeSet& changes : one.changes) std::erase_if(changes.kill_switches, is_of_kind);
  };
}

struct NamedFault {
  std::string name;
  Faults fault;
};

std::vector<NamedFault> OperatorFaults() {
  constexpr std::pair<Operator, Operator> kTaken[] = {{Operator::kIn, Operator::kNotIn},
                                                      {Operator::kNotIn, Operator::kIn},
                                                      {Operator::kContains, Operator::kEndsWith},
                                                      {Operator::kStartsWith, Operator::kContains},
                                                      {Operator::kEndsWith, Operator::kContains},
                                                      {Operator::kLt, Operator::kLte},
                                                      {Operator::kLte, Operator::kLt},
                                                      {Operator::kGt, Operator::kGte},
                                                      {Operator::kGte, Operator::kGt},
                                                      {Operator::kEq, Operator::kLte},
                                                      {Operator::kBefore, Operator::kAfter},
                                                      {Operator::kAfter, Operator::kBefore},
                                                      {Operator::kSemverEq, Operator::kSemverLte},
                                                      {Operator::kSemverLt, Operator::kSemverLte},
                                                      {Operator::kSemverLte, Operator::kSemverLt},
                                                      {Operator::kSemverGt, Operator::kSemverGte},
                                                      {Operator::kSemverGte, Operator::kSemverGt}};
  std::vector<NamedFault> faults;
  for (const auto& [from, to] : kTaken)
    faults.push_back({std::string(NameOf(from)) + " taken for " + std::string(NameOf(to)), OperatorTaken(from, to)});
  for (const Operator op : {Operator::kMatches, Operator::kInCidr, Operator::kInSegment})
    faults.push_back({std::string(NameOf(op)) + " forgets its last operand", LastOperandForgotten(op)});
  faults.push_back({"exists turned round", InConditions([](Condition& condition) {
                      if (condition.op == Operator::kExists && condition.values.empty()) condition.values = {false};
                    })});
  return faults;
}

std::vector<NamedFault> StructureFaults() {
  using std::chrono::milliseconds;
  std::vector<NamedFault> faults;
  const auto group = [&](std::string name, GroupKind from, GroupKind to) {
    faults.push_back({std::move(name), InGroups([from, to](ConditionGroup& one) {
                        if (one.kind == from && !one.children.empty()) one.kind = to;
                      })});
  };
  group("all taken for any", GroupKind::kAll, GroupKind::kAny);
  group("any taken for all", GroupKind::kAny, GroupKind::kAll);
  group("none taken for any", GroupKind::kNone, GroupKind::kAny);
  faults.push_back({"start a moment late", InRules([](model::Rule& rule) {
                      if (rule.starts_at) *rule.starts_at += milliseconds(1);
                    })});
  faults.push_back({"end a moment late", InRules([](model::Rule& rule) {
                      if (rule.ends_at) *rule.ends_at += milliseconds(1);
                    })});
  faults.push_back({"expiry a moment late", InFlags([](FlagFields& flag) {
                      if (flag.expires_at) *flag.expires_at += milliseconds(1);
                    })});
  faults.push_back({"rules read from the last", InFlags([](FlagFields& flag) {
                      std::reverse(flag.targeting_rules.begin(), flag.targeting_rules.end());
                    })});
  faults.push_back({"shares read from the last", InRules([](model::Rule& rule) {
                      if (auto* split = std::get_if<model::Split>(&rule.serve))
                        std::reverse(split->begin(), split->end());
                    })});
  return faults;
}

std::vector<NamedFault> FlagFaults() {
  return {{"salt ignored", InFlags([](FlagFields& flag) { flag.rollout_salt.reset(); })},
          {"bucketBy ignored", InFlags([](FlagFields& flag) { flag.bucket_by.reset(); })},
          {"rollout ignored", InFlags([](FlagFields& flag) { flag.rollout_percentage.reset(); })},
          {"kill variation ignored", InFlags([](FlagFields& flag) { flag.kill_variation.reset(); })},
          {"owner tenant ignored", InFlags([](FlagFields& flag) { flag.tenant_id.reset(); })},
          {"state ignored", InFlags([](FlagFields& flag) { flag.state = model::FlagState::kEnabled; })},
          {"off taken for on", InFlags([](FlagFields& flag) { flag.default_enabled = true; })},
          {"overrides in the flag ignored", InFlags([](FlagFields& flag) { flag.tenant_overrides.clear(); })},
          {"last prerequisite ignored", InFlags([](FlagFields& flag) {
             if (!flag.prerequisites.empty()) flag.prerequisites.pop_back();
           })}};
}

std::vector<NamedFault> EnvironmentFaults() {
  using Kind = model::KillScope::Kind;
  return {{"overrides ignored", [](Case& one) { one.present.overrides.clear(); }},
          {"last good definitions forgotten", [](Case& one) { one.last_good = {}; }},
          {"broken flags taken for none", [](Case& one) { one.present.broken_flags.clear(); }},
          {"unknown segments taken for empty ones",
           [](Case& one) {
             for (int i = 0; i < 4; ++i)
               one.present.segments.insert(
                   one.present.segments.begin(),
                   *model::Segment::Create({.segment_key = "s" + std::to_string(i), .environment = "production"}));
           }},
          {"included keys ignored", InSegments([](model::SegmentFields& segment) { segment.included.clear(); })},
          {"excluded keys ignored", InSegments([](model::SegmentFields& segment) { segment.excluded.clear(); })},
          {"conditions of segments ignored", InSegments([](model::SegmentFields& segment) { segment.when.reset(); })},
          {"global switch ignored", WithoutSwitches(Kind::kGlobal)},
          {"flag's switch ignored", WithoutSwitches(Kind::kFlag)},
          {"tenant's switch ignored", WithoutSwitches(Kind::kTenant)},
          {"owner's switch ignored", WithoutSwitches(Kind::kOwner)},
          {"changes not followed", [](Case& one) { one.changes.clear(); }}};
}

std::vector<NamedFault> AllFaults() {
  std::vector<NamedFault> all = OperatorFaults();
  for (auto* more : {&StructureFaults, &FlagFaults, &EnvironmentFaults})
    for (NamedFault& one : more()) all.push_back(std::move(one));
  return all;
}

std::optional<Difference> Search(const Faults& faults) {
  constexpr std::uint64_t kPairsMax = 200'000;
  Coverage coverage;
  std::uint64_t pairs = 0;
  for (std::uint64_t scenario = 0; pairs < kPairsMax; ++scenario) {
    Random random(1, scenario);
    if (auto difference = CompareAll(AnyScenario(random), coverage, pairs, faults)) return difference;
  }
  return std::nullopt;
}

std::size_t DefinitionCount(const Case& question) {
  std::size_t count = question.present.flags.size() + question.present.segments.size() +
                      question.present.overrides.size() + question.present.kill_switches.size() +
                      question.last_good.flags.size() + question.last_good.segments.size();
  for (const eval::ChangeSet& one : question.changes) count += one.flags.size();
  return count;
}

TEST(Twin, FindsEachFaultOfAnEngineAndShrinksIt) {
  for (const NamedFault& one : AllFaults()) {
    SCOPED_TRACE(one.name);
    const auto difference = Search(one.fault);
    ASSERT_TRUE(difference) << "not found";
    const Difference shrunk = Shrink(*difference, one.fault);
    const std::string text = ToText(shrunk);
    // A flag, what it depends on, and what was good before.
    EXPECT_LE(DefinitionCount(shrunk.question), 4U) << text;
    EXPECT_NE(shrunk.naive, shrunk.engine);
    EXPECT_TRUE(Compare(shrunk.question, one.fault));
    EXPECT_FALSE(Compare(shrunk.question)) << "without the fault\n" << text;
  }
}

// What is printed is what conformance/eval holds: the twin's answer in it, read back, is what the engine gives when it
// is right.
TEST(Twin, PrintsACaseForTheConformanceData) {
  const Faults fault = OperatorTaken(Operator::kLt, Operator::kLte);
  const auto difference = Search(fault);
  ASSERT_TRUE(difference);
  const std::string text = ToText(Shrink(*difference, fault));
  const std::size_t from = text.find("{\"suites\"");
  ASSERT_NE(from, std::string::npos) << text;
  const auto file = json::Parse(text.substr(from, text.find('\n', from) - from));
  ASSERT_TRUE(file) << text;
  const List suites = Items(*file, "suites");
  ASSERT_EQ(suites.size(), 1U);
  EXPECT_EQ(ReplaySuite(suites[0]), 1U);
  const Value only = Items(Member(suites[0], "definitions"), "flags").at(0);
  EXPECT_EQ(json::Write(Member(Items(only, "targetingRules").at(0), "when")).find("lte"), std::string::npos) << text;
  EXPECT_NE(json::Write(only).find("\"lt\""), std::string::npos) << text;
}

}  // namespace
}  // namespace guidon::twin
