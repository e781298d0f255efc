// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/model/condition.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"
#include "guidon/model/limits.hpp"
#include "guidon/model/value.hpp"

// RapidCheck generators of valid domain values, for property tests of any module. They reach for what breaks codecs:
// characters of all UTF-8 lengths, quotes, control characters, extreme numbers, absent and empty parts.
namespace guidon::model::testing {

// The value of a result that the generator knows to be good.
template <class T>
T Valid(base::Result<T> result) {
  if (!result)
    throw std::logic_error("generator made an invalid value: " + result.error().field + " " + result.error().message);
  return *std::move(result);
}

inline std::size_t AnySize(std::size_t min, std::size_t max) { return *rc::gen::inRange(min, max + 1); }
inline bool Flip() { return *rc::gen::arbitrary<bool>(); }

inline std::string AnyOf(std::string_view characters) {
  return std::string(1, characters[AnySize(0, characters.size() - 1)]);
}

// Draws a vector of `min` to `max` items; call inside a generator or a property.
template <class Draw>
auto Several(std::size_t min, std::size_t max, Draw draw) {
  std::vector<decltype(draw())> items;
  for (std::size_t count = AnySize(min, max); count > 0; --count) items.push_back(draw());
  return items;
}

template <class Draw>
auto Maybe(Draw draw) {
  return Flip() ? std::optional<decltype(draw())>(draw()) : std::nullopt;
}

// [a-zA-Z0-9][a-zA-Z0-9._-]*: flag, segment, tenant, rule and variation ids.
inline std::string DrawId(std::size_t bytes_max = 12) {
  constexpr std::string_view kAlphanumeric = "abcxyzABCXYZ0189";
  constexpr std::string_view kInner = "abcxyzABCXYZ0189._-";
  std::string id = AnyOf(kAlphanumeric);
  for (std::size_t count = AnySize(0, bytes_max - 1); count > 0; --count) id += AnyOf(kInner);
  return id;
}

inline std::string DrawEnvironment() {
  return *rc::gen::elementOf(std::vector<std::string>{"local", "dev-1", "0", "prod"});
}

// UTF-8 of any kind, control characters included.
inline std::string DrawText(std::size_t characters_max = 12) {
  static const std::vector<std::string> kCharacters = {
      "a",    "B",    " ", "\"", "\\",         "/",      "\n",     "\t", std::string(1, '\0'),
      "\x1f", "\x7f", "é", "旗", "\U0001F6A9", "\u2028", "\uFFFF", "{",  "0"};
  std::string text;
  for (std::size_t count = AnySize(0, characters_max); count > 0; --count) text += *rc::gen::elementOf(kCharacters);
  return text;
}

// One line: names, owners, actors.
inline std::string DrawLine(std::size_t characters_max = 12) {
  static const std::vector<std::string> kCharacters = {"a", "Z", "9", "@", ".", "\"", "\\", "é", "旗", "\U0001F6A9"};
  std::string text;
  for (std::size_t count = AnySize(0, characters_max); count > 0; --count) text += *rc::gen::elementOf(kCharacters);
  return text;
}

inline base::Timestamp DrawTime() {
  constexpr std::int64_t kEndMs = 253'402'300'800'000;  // year 10000
  return base::Timestamp{std::chrono::milliseconds{*rc::gen::inRange<std::int64_t>(0, kEndMs)}};
}

// Any double that DynamoDB can store.
inline double DrawDouble() {
  static const std::vector<double> kEdges = {
      0.0, -0.0, 0.1, 1e-130, -9.9e125, 1.5, 9007199254740993.0, 1e19, -1e22, 18446744073709551616.0, 12.345};
  if (Flip()) return *rc::gen::elementOf(kEdges);
  const double number = *rc::gen::arbitrary<double>();
  const double magnitude = std::fabs(number);
  return std::isfinite(number) && magnitude >= 1e-130 && magnitude <= 9.9e125 ? number : 0.5;
}

inline std::int64_t DrawInteger() {
  using Limits = std::numeric_limits<std::int64_t>;
  static const std::vector<std::int64_t> kEdges = {0, -1, 9007199254740993, Limits::max(), Limits::min()};
  return Flip() ? *rc::gen::elementOf(kEdges) : *rc::gen::arbitrary<std::int64_t>();
}

inline Value DrawScalar() {
  switch (AnySize(0, 4)) {
    case 0: return Value();
    case 1: return Value(Flip());
    case 2: return Value(DrawInteger());
    case 3: return Value(DrawDouble());
    default: return Value(DrawText());
  }
}

inline Value DrawValue(std::size_t depth);

inline Object DrawObject(std::size_t depth) {
  Object object;
  for (std::size_t count = AnySize(0, 3); count > 0; --count) object.Set(DrawText(4), DrawValue(depth));
  return object;
}

inline Value DrawValue(std::size_t depth) {
  const std::size_t kind = depth == 0 ? 0 : AnySize(0, 3);
  if (kind == 1) return Value(Several(0, 3, [&] { return DrawValue(depth - 1); }));
  if (kind == 2) return Value(DrawObject(depth - 1));
  return DrawScalar();
}

inline Value DrawOperand(Operator op) {
  static const std::vector<std::string> kTimes = {"2026-11-22T04:23:00.123Z", "1970-01-01T09:00:00+09:00"};
  static const std::vector<std::string> kVersions = {"1.2.3", "v2", "1.0", "2.0.0-rc.1+build.5"};
  static const std::vector<std::string> kNetworks = {"10.0.0.0/8", "2001:db8::/32", "192.0.2.1", "::/0"};
  switch (op) {
    case Operator::kIn:
    case Operator::kNotIn: {
      Value scalar = DrawScalar();
      return scalar.IsNull() ? Value("x") : scalar;
    }
    case Operator::kContains:
    case Operator::kStartsWith:
    case Operator::kEndsWith: return Value(DrawText());
    case Operator::kMatches: return Value("^[a-z]+" + DrawId());
    case Operator::kLt:
    case Operator::kLte:
    case Operator::kGt:
    case Operator::kGte:
    case Operator::kEq: return Flip() ? Value(DrawInteger()) : Value(DrawDouble());
    case Operator::kBefore:
    case Operator::kAfter: return Value(*rc::gen::elementOf(kTimes));
    case Operator::kSemverEq:
    case Operator::kSemverLt:
    case Operator::kSemverLte:
    case Operator::kSemverGt:
    case Operator::kSemverGte: return Value(*rc::gen::elementOf(kVersions));
    case Operator::kInCidr: return Value(*rc::gen::elementOf(kNetworks));
    case Operator::kExists: return Value(Flip());
    case Operator::kInSegment: return Value(DrawId());
  }
  return Value();
}

inline Condition DrawCondition(bool segments_allowed = true) {
  Condition condition;
  condition.op = static_cast<Operator>(AnySize(0, kOperatorCount - (segments_allowed ? 1 : 2)));
  if (condition.op != Operator::kInSegment)
    condition.attribute =
        *rc::gen::elementOf(std::vector<std::string>{"targetingKey", "tenantId", "plan", "a.b", "国"});
  condition.values = Several(0, condition.op == Operator::kExists ? 1 : 3, [&] { return DrawOperand(condition.op); });
  return condition;
}

inline ConditionGroup DrawConditions(std::size_t depth = 2, bool segments_allowed = true) {
  ConditionGroup group;
  group.kind = static_cast<GroupKind>(AnySize(0, 2));
  group.children = Several(group.kind == GroupKind::kAll ? 1 : 0, 3, [&]() -> ConditionNode {
    if (depth > 0 && Flip()) return DrawConditions(depth - 1, segments_allowed);
    return DrawCondition(segments_allowed);
  });
  return group;
}

inline Value DrawVariationValue(FlagType type) {
  switch (type) {
    case FlagType::kBoolean: return Value(Flip());
    case FlagType::kString: return Value(DrawText());
    case FlagType::kNumber: return Flip() ? Value(DrawInteger()) : Value(DrawDouble());
    case FlagType::kObject: return Value(DrawObject(3));
  }
  return Value();
}

inline std::string DrawVariationOf(const FlagFields& flag) {
  auto at = flag.variations.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(AnySize(0, flag.variations.size() - 1)));
  return at->first;
}

inline Split DrawSplit(const FlagFields& flag) {
  Split split;
  for (const auto& [name, value] : flag.variations)
    split.push_back({.variation = name, .weight = *rc::gen::inRange<std::int64_t>(0, 100'000)});
  split.front().weight += 1;
  return split;
}

inline Rule DrawRule(const FlagFields& flag, std::size_t index) {
  Rule rule;
  rule.id = DrawId() + "." + std::to_string(index);
  rule.description = DrawLine();
  rule.everyone = Flip();
  if (!rule.everyone) rule.when = DrawConditions();
  if (Flip()) {
    rule.serve = DrawSplit(flag);
  } else {
    rule.serve = DrawVariationOf(flag);
  }
  const auto first = DrawTime();
  const auto second = DrawTime();
  if (Flip()) rule.starts_at = std::min(first, second);
  if (Flip() && first != second) rule.ends_at = std::max(first, second);
  return rule;
}

inline Prerequisite DrawPrerequisite(std::size_t index) {
  const auto names = Several(1, 3, [] { return DrawId(); });
  const std::set<std::string> unique(names.begin(), names.end());
  return {.flag_key = "other." + std::to_string(index), .variations = {unique.begin(), unique.end()}};
}

inline void DrawVariations(FlagFields& flag) {
  if (flag.type == FlagType::kBoolean && Flip()) {
    flag.variations = {{"on", Value(true)}, {"off", Value(false)}};
  } else {
    for (std::size_t count = AnySize(1, 4); count > 0; --count)
      flag.variations.emplace(DrawId(), DrawVariationValue(flag.type));
  }
  flag.default_variation = DrawVariationOf(flag);
  flag.off_variation = DrawVariationOf(flag);
  flag.kill_variation = Maybe([&] { return DrawVariationOf(flag); });
}

// Shaped like an expression. No doubles: their text in an item need not be the one that they are written with again.
inline Value DrawExpression(std::size_t depth) {
  if (depth == 0) return Flip() ? Value(DrawInteger()) : Value(DrawText());
  Object call;
  for (std::size_t count = AnySize(0, 2); count > 0; --count)
    call.Set(DrawText(4), List{DrawExpression(depth - 1), DrawExpression(depth - 1)});
  return call;
}

inline FlagFields DrawFlagFields() {
  FlagFields flag;
  flag.flag_key = "flag." + DrawId();
  flag.environment = DrawEnvironment();
  flag.description = DrawLine(40);
  flag.owner = "team " + DrawLine() + ".";
  flag.tenant_id = Maybe([] { return DrawId(); });
  const auto tags = Several(0, 3, [] { return "t" + DrawLine(6); });
  const std::set<std::string> unique_tags(tags.begin(), tags.end());
  flag.tags.assign(unique_tags.begin(), unique_tags.end());
  flag.type = static_cast<FlagType>(AnySize(0, 3));
  flag.state = static_cast<FlagState>(AnySize(0, 2));
  flag.client_visible = Flip();
  flag.default_enabled = Flip();
  DrawVariations(flag);
  flag.rollout_percentage =
      Maybe([] { return Valid(Percentage::Create(static_cast<double>(*rc::gen::inRange(0, 100'001)) / 1000.0)); });
  flag.rollout_salt = Maybe([] { return "s" + DrawLine(); });
  flag.bucket_by = Maybe([] {
    return DrawVariationOf({.flag_key = {}, .environment = {}, .variations = {{"tenantId", {}}, {"a.b", {}}}});
  });
  for (std::size_t i = 0, count = AnySize(0, 3); i < count; ++i) flag.targeting_rules.push_back(DrawRule(flag, i));
  if (flag.targeting_rules.empty() && Flip()) {
    flag.targeting = DrawExpression(3);
    for (std::size_t count = AnySize(0, 2); count > 0; --count)
      flag.targeting_evaluators.emplace("e" + DrawId(), DrawExpression(2));
  }
  if (!flag.rollout_percentage && Flip()) {
    flag.code_default = true;
    if (Flip()) flag.default_variation.clear();
    if (Flip()) flag.off_variation.clear();
  }
  for (std::size_t count = AnySize(0, 2); count > 0; --count) flag.metadata.emplace("m" + DrawId(), DrawInteger());
  for (std::size_t i = 0, count = AnySize(0, 2); i < count; ++i) flag.prerequisites.push_back(DrawPrerequisite(i));
  for (std::size_t count = AnySize(0, 2); count > 0; --count) flag.tenant_overrides.emplace(DrawId(), Flip());
  flag.expires_at = Maybe(DrawTime);
  flag.version =
      static_cast<std::uint64_t>(*rc::gen::inRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max()));
  flag.created_at = DrawTime();
  flag.updated_at = DrawTime();
  flag.updated_by = DrawLine();
  return flag;
}

// A JSON-shaped value nested up to four levels.
inline rc::Gen<Value> AnyValue() {
  return rc::gen::exec([] { return DrawValue(4); });
}

inline rc::Gen<Flag> AnyFlag() {
  return rc::gen::exec([] { return Valid(Flag::Create(DrawFlagFields())); });
}

inline rc::Gen<Segment> AnySegment() {
  return rc::gen::exec([] {
    SegmentFields segment;
    segment.segment_key = DrawId();
    segment.environment = DrawEnvironment();
    segment.description = DrawLine(40);
    segment.included = Several(0, 5, [] { return "k" + DrawText(); });
    segment.excluded = Several(0, 5, [] { return "k" + DrawText(); });
    segment.when = Maybe([] { return DrawConditions(2, false); });
    segment.version = AnySize(0, 1000);
    segment.created_at = DrawTime();
    segment.updated_at = DrawTime();
    segment.updated_by = DrawLine();
    return Valid(Segment::Create(std::move(segment)));
  });
}

inline rc::Gen<Override> AnyOverride() {
  return rc::gen::exec([] {
    return Valid(Override::Create({.environment = DrawEnvironment(),
                                   .flag_key = DrawId(),
                                   .tenant_id = DrawId(),
                                   .variation = DrawId(),
                                   .version = AnySize(0, 1000),
                                   .updated_at = DrawTime(),
                                   .updated_by = DrawLine()}));
  });
}

inline rc::Gen<KillScope> AnyKillScope() {
  return rc::gen::exec([] {
    switch (AnySize(0, 3)) {
      case 0: return Valid(KillScope::Create(KillScope::Kind::kGlobal, ""));
      case 1: return Valid(KillScope::Create(KillScope::Kind::kFlag, DrawId()));
      case 2: return Valid(KillScope::Create(KillScope::Kind::kTenant, DrawId()));
      default: return Valid(KillScope::Create(KillScope::Kind::kOwner, "team:" + DrawLine() + "."));
    }
  });
}

inline rc::Gen<KillSwitch> AnyKillSwitch() {
  return rc::gen::exec([] {
    return Valid(KillSwitch::Create({.environment = DrawEnvironment(),
                                     .scope = *AnyKillScope(),
                                     .reason = "because " + DrawLine(),
                                     .version = AnySize(0, 1000),
                                     .engaged_at = DrawTime(),
                                     .engaged_by = DrawLine()}));
  });
}

inline rc::Gen<Tenant> AnyTenant() {
  return rc::gen::exec([] {
    return Valid(Tenant::Create({.tenant_id = DrawId(),
                                 .name = DrawLine(),
                                 .plan = DrawLine(),
                                 .version = AnySize(0, 1000),
                                 .created_at = DrawTime(),
                                 .updated_at = DrawTime(),
                                 .updated_by = DrawLine()}));
  });
}

inline rc::Gen<ApiKey> AnyApiKey() {
  return rc::gen::exec([] {
    ApiKeyFields key;
    key.key_id = "key0" + std::to_string(AnySize(10'000, 99'999));
    key.kind = static_cast<KeyKind>(AnySize(0, 2));
    key.name = DrawLine();
    key.environment = DrawEnvironment();
    if (key.kind == KeyKind::kAdmin && Flip()) key.environment.reset();
    key.tenant_id = Maybe([] { return DrawId(); });
    key.secret_hash = std::string(64, "0123456789abcdef"[AnySize(0, 15)]);
    key.version = AnySize(0, 1000);
    key.created_at = DrawTime();
    key.created_by = DrawLine();
    key.updated_at = DrawTime();
    key.updated_by = DrawLine();
    key.expires_at = Maybe(DrawTime);
    key.revoked_at = Maybe(DrawTime);
    key.replaced_by = Maybe([] { return std::string("replaced1"); });
    key.last_used_at = Maybe(DrawTime);
    return Valid(ApiKey::Create(std::move(key)));
  });
}

inline rc::Gen<Context> AnyContext() {
  return rc::gen::exec([] {
    Context::Fields fields;
    fields.targeting_key = Maybe([] { return "u" + DrawText(); });
    fields.tenant_id = Maybe([] { return DrawId(); });
    for (std::size_t count = AnySize(0, 4); count > 0; --count) fields.attributes.Set("a" + DrawLine(4), DrawValue(2));
    return Valid(Context::Create(std::move(fields)));
  });
}

}  // namespace guidon::model::testing
