// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/flagd/flagd.hpp"
#include "guidon/flagd/logic.hpp"

namespace guidon::flagd {
namespace {

using logic::Call;
using logic::Var;
using model::List;
using model::Object;
using model::Value;

Value Made(std::vector<Object::Entry> entries) { return *Object::FromEntries(std::move(entries)); }

Value Document(Value flags, Value evaluators = {}) {
  Object document;
  document.Set("$schema", "https://flagd.dev/schema/v0/flags.json");
  document.Set("flags", std::move(flags));
  if (!evaluators.IsNull()) document.Set("$evaluators", std::move(evaluators));
  return document;
}

const Value kTheme = Made({{"state", "ENABLED"},
                           {"variants", Made({{"dark", "#000"}, {"light", "#fff"}})},
                           {"defaultVariant", "light"},
                           {"targeting", Call("if", List{Call("$ref", "staff"), "dark"})},
                           {"metadata", Made({{"team", "web"}, {"level", 3}})}});

model::Flag Complete(model::FlagFields fields) {
  fields.environment = "production";
  fields.owner = "team-a";
  auto flag = model::Flag::Create(std::move(fields));
  EXPECT_TRUE(flag) << flag.error().field << " " << flag.error().message;
  return *std::move(flag);
}

model::FlagFields Switch() {
  model::FlagFields fields{.flag_key = "switch", .environment = "production"};
  fields.default_enabled = true;
  return fields;
}

model::Rule RuleOn(model::Condition condition) {
  model::Rule rule{.id = "r"};
  rule.when = model::ConditionGroup{.children = {std::move(condition)}};
  rule.serve = "off";
  return rule;
}

Value FlagIn(const Value& document, std::string_view key) {
  return *document.AsObject()->Find("flags")->AsObject()->Find(key);
}
Value At(const Value& object, std::string_view name) {
  const Value* value = object.AsObject()->Find(name);
  return value == nullptr ? Value() : *value;
}

TEST(FlagdImport, ExportIsWhatCameIn) {
  const Value bare = Made({{"state", "DISABLED"}, {"variants", Made({{"a", 1}, {"b", 2.5}})}});
  const Value document = Document(Made({{"theme", kTheme}, {"bare", bare}}),
                                  Made({{"staff", Call("ends_with", List{Var("email"), "@example.com"})}}));
  const auto import = FromFlagd(document);
  ASSERT_TRUE(import) << import.error().field << import.error().message;
  EXPECT_TRUE(import->notes.empty());
  Definitions definitions;
  for (const auto& fields : import->flags) definitions.flags.push_back(Complete(fields));
  const Export back = ToFlagd(definitions);
  EXPECT_EQ(back.document, document);
  EXPECT_TRUE(back.notes.empty());
}

TEST(FlagdImport, SaysWhereItCannotBeRead) {
  const auto error_of = [](const Value& flag) {
    const auto import = FromFlagd(Document(Made({{"f", flag}})));
    return import ? std::string() : import.error().field;
  };
  const Value variants = Made({{"on", true}});
  EXPECT_EQ(error_of(Made({{"state", "ON"}, {"variants", variants}})), "flags.f.state");
  EXPECT_EQ(error_of(Made({{"state", "ENABLED"}})), "flags.f.variants");
  EXPECT_EQ(error_of(Made({{"state", "ENABLED"}, {"variants", Made({{"a", List{}}})}})), "flags.f.variants.a");
  EXPECT_EQ(error_of(Made({{"state", "ENABLED"}, {"variants", Made({{"a", 1}, {"b", "x"}})}})), "flags.f.variants.b");
  EXPECT_EQ(error_of(Made({{"state", "ENABLED"}, {"variants", variants}, {"targeting", "x"}})), "flags.f.targeting");
  EXPECT_EQ(error_of(Made({{"state", "ENABLED"}, {"variants", variants}, {"rules", List{}}})), "flags.f.rules");
  EXPECT_EQ(error_of(Made({{"state", "ENABLED"}, {"variants", variants}})), "");
}

TEST(FlagdImport, BooleanFlagsGetAnOffVariationAndOthersTheCodeDefault) {
  const Value yes_no =
      Made({{"state", "ENABLED"}, {"variants", Made({{"yes", true}, {"no", false}})}, {"defaultVariant", "yes"}});
  const auto import = FromFlagd(Document(Made({{"theme", kTheme}, {"yes-no", yes_no}})));
  ASSERT_TRUE(import);
  EXPECT_EQ(import->flags[0].off_variation, "");
  EXPECT_TRUE(import->flags[0].code_default);
  EXPECT_EQ(import->flags[1].off_variation, "no");
  EXPECT_FALSE(import->flags[1].code_default);
}

TEST(FlagdImport, AnExistingFlagKeepsWhatFlagdDoesNotKnow) {
  model::FlagFields fields = Switch();
  fields.description = "keep";
  fields.tags = {"keep"};
  fields.targeting_rules = {RuleOn({.attribute = "plan", .op = model::Operator::kIn, .values = {"pro"}})};
  const auto import = FromFlagd(Document(Made({{"switch", Made({{"state", "DISABLED"},
                                                                {"variants", Made({{"on", true}, {"off", false}})},
                                                                {"defaultVariant", "off"}})}})));
  ASSERT_TRUE(import);
  const model::FlagFields merged = Merge(Complete(fields), import->flags[0]);
  EXPECT_EQ(merged.description, "keep");
  EXPECT_EQ(merged.owner, "team-a");
  EXPECT_EQ(merged.state, model::FlagState::kDisabled);
  EXPECT_EQ(merged.default_variation, "off");
  EXPECT_TRUE(merged.targeting_rules.empty());
}

TEST(FlagdExport, RulesBecomeJsonLogicAndSegmentsEvaluators) {
  model::FlagFields fields = Switch();
  fields.targeting_rules = {RuleOn({.attribute = "", .op = model::Operator::kInSegment, .values = {"beta"}}),
                            RuleOn({.attribute = "tenantId", .op = model::Operator::kIn, .values = {"acme"}})};
  fields.targeting_rules[1].id = "r2";
  Definitions definitions{.flags = {Complete(fields)}};
  definitions.segments.push_back(*model::Segment::Create(
      {.segment_key = "beta", .environment = "production", .included = {"u1"}, .excluded = {"u2"}}));
  const Export out = ToFlagd(definitions);
  EXPECT_EQ(At(FlagIn(out.document, "switch"), "targeting"),
            Call("if", List{Call("$ref", "guidon.segment.beta"), "off", Call("in", List{Var("tenantId"), List{"acme"}}),
                            "off", Value()}));
  EXPECT_EQ(At(At(out.document, "$evaluators"), "guidon.segment.beta"),
            Call("and", List{Call("!", List{Call("in", List{Var("targetingKey"), List{"u2"}})}),
                             Call("or", List{Call("in", List{Var("targetingKey"), List{"u1"}}), false})}));
}

TEST(FlagdExport, WhatFlagdCannotSayIsLeftOutByName) {
  const auto note_of = [](const model::FlagFields& fields) {
    const Export out = ToFlagd({.flags = {Complete(fields)}});
    EXPECT_TRUE(At(out.document, "flags").AsObject()->empty());
    return out.notes.empty() ? std::string() : out.notes[0].flag_key + ": " + out.notes[0].message;
  };
  model::FlagFields regex = Switch();
  regex.targeting_rules = {RuleOn({.attribute = "email", .op = model::Operator::kMatches, .values = {"@x$"}})};
  EXPECT_EQ(note_of(regex), "switch: Left out: rule 'r': flagd has nothing like the operator 'matches'.");
  model::FlagFields segment = Switch();
  segment.targeting_rules = {RuleOn({.attribute = "", .op = model::Operator::kInSegment, .values = {"gone"}})};
  EXPECT_EQ(note_of(segment), "switch: Left out: rule 'r': there is no segment 'gone'.");
  model::FlagFields archived = Switch();
  archived.state = model::FlagState::kArchived;
  EXPECT_EQ(note_of(archived), "switch: Left out: it is archived.");
  model::FlagFields owned = Switch();
  owned.tenant_id = "acme";
  EXPECT_EQ(note_of(owned), "switch: Left out: it belongs to the tenant 'acme', and flagd would serve it to all.");
}

TEST(FlagdExport, ARolloutLeavesThoseWithoutAKeyOff) {
  model::FlagFields fields = Switch();
  fields.rollout_percentage = *model::Percentage::Create(25);
  const Export out = ToFlagd({.flags = {Complete(fields)}});
  EXPECT_EQ(
      At(FlagIn(out.document, "switch"), "targeting"),
      Call("if", List{Var("targetingKey"), Call("fractional", List{List{"on", 25000}, List{"off", 75000}}), "off"}));
  EXPECT_EQ(At(FlagIn(out.document, "switch"), "defaultVariant"), Value("off"));
  ASSERT_EQ(out.notes.size(), 1U);
}

TEST(FlagdExport, AnEngagedKillSwitchStaysEngaged) {
  const model::Flag flag = Complete(Switch());
  Definitions definitions{.flags = {flag}};
  definitions.kill_switches.push_back(*model::KillSwitch::Create(
      {.environment = "production", .scope = *model::KillScope::Parse("owner:team-a"), .reason = "broken"}));
  const Export out = ToFlagd(definitions);
  EXPECT_EQ(At(FlagIn(out.document, "switch"), "targeting"), Call("if", List{true, "off", Value()}));
}

}  // namespace
}  // namespace guidon::flagd
