// SPDX-License-Identifier: Apache-2.0
#include "naive_evaluator.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "naive_values.hpp"

namespace guidon::twin {
namespace {

using model::Condition;
using model::ConditionGroup;
using model::ConditionNode;
using model::Context;
using model::EvaluationError;
using model::FlagFields;
using model::Operator;
using model::Reason;
using model::Value;

// Limits that the module's README names.
constexpr int kPrerequisiteDepthMax = 32;
constexpr int kPrerequisiteVisitsMax = 1000;

// nullopt: it cannot be known (a segment that is not there).
using Truth = std::optional<bool>;

std::optional<Value> Lookup(const Context& context, const std::string& path) {
  if (path == "targetingKey")
    return context.targeting_key() == nullptr ? std::nullopt : std::optional<Value>(*context.targeting_key());
  if (path == "tenantId")
    return context.tenant_id() == nullptr ? std::nullopt : std::optional<Value>(*context.tenant_id());
  Value at(context.attributes());
  std::size_t start = 0;
  while (start <= path.size()) {
    const std::size_t end = std::min(path.find('.', start), path.size());
    const model::Object* object = at.AsObject();
    const Value* member = object == nullptr ? nullptr : object->Find(path.substr(start, end - start));
    if (member == nullptr || member->IsNull()) return std::nullopt;
    at = Value(*member);
    start = end + 1;
  }
  return at;
}

bool SameType(const Value& a, const Value& b) {
  return (a.AsString() != nullptr && b.AsString() != nullptr) || (a.AsBool() != nullptr && b.AsBool() != nullptr) ||
         (a.IsNumber() && b.IsNumber());
}

bool Equal(const Value& a, const Value& b) {
  if (!SameType(a, b)) return false;
  if (a.IsNumber()) return *NumberOf(a) == *NumberOf(b);
  return a.AsString() != nullptr ? *a.AsString() == *b.AsString() : *a.AsBool() == *b.AsBool();
}

bool CompareText(Operator op, const std::string& seen, const std::string& operand) {
  switch (op) {
    case Operator::kContains: return seen.find(operand) != std::string::npos;
    case Operator::kStartsWith: return seen.substr(0, operand.size()) == operand;
    case Operator::kEndsWith:
      return seen.size() >= operand.size() && seen.substr(seen.size() - operand.size()) == operand;
    case Operator::kMatches: return PatternMatches(operand, seen);
    case Operator::kBefore: return ParseTime(seen) && *ParseTime(seen) < *ParseTime(operand);
    case Operator::kAfter: return ParseTime(seen) && *ParseTime(seen) > *ParseTime(operand);
    case Operator::kInCidr: {
      const auto address = ParseAddress(seen);
      return address && NetworkContains(operand, *address);
    }
    default: break;
  }
  const auto version = ParseVersion(seen);
  if (!version) return false;
  const int order = CompareVersions(*version, *ParseVersion(operand));
  switch (op) {
    case Operator::kSemverEq: return order == 0;
    case Operator::kSemverLt: return order < 0;
    case Operator::kSemverLte: return order <= 0;
    case Operator::kSemverGt: return order > 0;
    case Operator::kSemverGte: return order >= 0;
    default: return false;
  }
}

bool CompareNumber(Operator op, long double seen, long double operand) {
  switch (op) {
    case Operator::kLt: return seen < operand;
    case Operator::kLte: return seen <= operand;
    case Operator::kGt: return seen > operand;
    case Operator::kGte: return seen >= operand;
    case Operator::kEq: return seen == operand;
    default: return false;
  }
}

bool IsNumberOperator(Operator op) { return op >= Operator::kLt && op <= Operator::kEq; }

// One value that is no list against all operands.
bool MatchesOne(const Condition& condition, const Value& seen) {
  const auto& operands = condition.values;
  if (condition.op == Operator::kIn)
    return std::ranges::any_of(operands, [&](const Value& operand) { return Equal(seen, operand); });
  if (condition.op == Operator::kNotIn)
    return std::ranges::any_of(operands, [&](const Value& operand) { return SameType(seen, operand); }) &&
           std::ranges::none_of(operands, [&](const Value& operand) { return Equal(seen, operand); });
  if (IsNumberOperator(condition.op))
    return seen.IsNumber() && std::ranges::any_of(operands, [&](const Value& operand) {
             return CompareNumber(condition.op, *NumberOf(seen), *NumberOf(operand));
           });
  return seen.AsString() != nullptr && std::ranges::any_of(operands, [&](const Value& operand) {
           return CompareText(condition.op, *seen.AsString(), *operand.AsString());
         });
}

class NaiveEvaluator {
 public:
  NaiveEvaluator(const World& world, const Context& context, base::Timestamp now, Coverage& coverage)
      : world_(world), context_(context), now_(now), coverage_(coverage) {}

  Answer Evaluate(const std::string& flag_key) { return *Decide(flag_key, {}); }

 private:
  // nullopt: a prerequisite chain that cannot be followed to its end. Only the flag that was asked for turns that into
  // an answer.
  std::optional<Answer> Decide(const std::string& flag_key, std::vector<std::string> path) {
    const auto entry = world_.flags.find(flag_key);
    if (entry == world_.flags.end()) return NotFound("flag that is not there");
    if (IsOthers(entry->second)) return NotFound("flag of another tenant");
    path.push_back(flag_key);
    if (!entry->second.good) return DecideBroken(flag_key);
    const FlagFields& flag = **entry->second.good;
    auto answer = DecideGood(flag, path);
    if (!answer) return std::nullopt;
    if (answer->error == EvaluationError::kFlagNotFound) return answer;
    answer->stale = entry->second.is_broken;
    const bool ordinary = answer->reason == Reason::kStatic || answer->reason == Reason::kDefault ||
                          answer->reason == Reason::kTargetingMatch || answer->reason == Reason::kSplit;
    if (answer->stale && ordinary) answer->reason = Reason::kStale;
    return answer;
  }

  // Step 1.
  Answer NotFound(std::string_view why) {
    coverage_.At(why);
    return {.reason = Reason::kError, .error = EvaluationError::kFlagNotFound};
  }

  bool IsOthers(const World::FlagEntry& entry) const {
    const auto refuses = [&](const std::optional<std::string>& owner) {
      return owner && (context_.tenant_id() == nullptr || *context_.tenant_id() != *owner);
    };
    return (entry.good && refuses((*entry.good)->tenant_id)) || (entry.is_broken && refuses(entry.broken_tenant));
  }

  Answer DecideBroken(const std::string& flag_key) {
    if (const auto scope = KillSwitchFor("", flag_key)) {
      coverage_.At("kill switch on a broken flag");
      return {.reason = Reason::kDisabled, .kill_switch = *scope};
    }
    coverage_.At("broken flag");
    return {.reason = Reason::kError, .error = EvaluationError::kParseError};
  }

  static Answer Serve(const FlagFields& flag, const std::string& variation, Reason reason) {
    return {.variation = variation, .value = flag.variations.at(variation), .reason = reason};
  }

  // Steps 1 to 8 for a definition that can be used.
  std::optional<Answer> DecideGood(const FlagFields& flag, const std::vector<std::string>& path) {
    if (flag.state == model::FlagState::kArchived) return NotFound("archived flag");
    if (const auto scope = KillSwitchFor(flag.owner, flag.flag_key)) {
      coverage_.At(flag.kill_variation ? "kill variation" : "kill switch without a kill variation");
      Answer answer = Serve(flag, flag.kill_variation.value_or(flag.off_variation), Reason::kDisabled);
      answer.kill_switch = *scope;
      return answer;
    }
    if (flag.state == model::FlagState::kDisabled) {
      coverage_.At("disabled flag");
      return Answer{.reason = Reason::kDisabled};
    }
    if (flag.expires_at && *flag.expires_at <= now_) {
      coverage_.At("expired flag");
      Answer answer = Serve(flag, flag.off_variation, Reason::kDisabled);
      answer.expired = true;
      return answer;
    }
    const Truth prerequisites = MeetsPrerequisites(flag, path);
    if (!prerequisites && path.size() > 1) return std::nullopt;
    if (prerequisites != Truth(true)) {
      coverage_.At(prerequisites ? "prerequisite failed" : "prerequisites that cannot be followed");
      return Serve(flag, flag.off_variation, Reason::kPrerequisiteFailed);
    }
    if (auto answer = DecideOverride(flag)) return answer;
    if (auto answer = DecideRules(flag)) return answer;
    return DecideDefault(flag);
  }

  // Step 2.
  std::optional<std::string> KillSwitchFor(const std::string& owner, const std::string& flag_key) {
    const auto engaged = [&](const std::string& scope) { return world_.kill_switches.contains(scope); };
    const auto found = [&](std::string_view place, std::string scope) {
      coverage_.At(place);
      return scope;
    };
    if (engaged("global")) return found("global kill switch", "global");
    if (engaged("owner:" + owner)) return found("owner's kill switch", "owner:" + owner);
    const std::string* tenant = context_.tenant_id();
    if (tenant != nullptr && engaged("tenant:" + *tenant)) return found("tenant's kill switch", "tenant:" + *tenant);
    if (engaged("flag:" + flag_key)) return found("flag's kill switch", "flag:" + flag_key);
    return std::nullopt;
  }

  // Step 5.
  Truth MeetsPrerequisites(const FlagFields& flag, const std::vector<std::string>& path) {
    for (const model::Prerequisite& one : flag.prerequisites) {
      if (!world_.flags.contains(one.flag_key)) {
        coverage_.At("prerequisite that is not there");
        return false;
      }
      const auto answer = FollowPrerequisite(one.flag_key, path);
      if (!answer) return std::nullopt;
      if (!answer->variation || std::ranges::find(one.variations, *answer->variation) == one.variations.end())
        return false;
      coverage_.At("prerequisite met");
    }
    return true;
  }

  std::optional<Answer> FollowPrerequisite(const std::string& flag_key, const std::vector<std::string>& path) {
    if (std::ranges::find(path, flag_key) != path.end()) {
      coverage_.At("prerequisite cycle");
      return std::nullopt;
    }
    if (path.size() > kPrerequisiteDepthMax) {
      coverage_.At("prerequisites too deep");
      return std::nullopt;
    }
    if (++visits_ > kPrerequisiteVisitsMax) {
      coverage_.At("prerequisites too many");
      return std::nullopt;
    }
    return Decide(flag_key, path);
  }

  // Step 6.
  std::optional<Answer> DecideOverride(const FlagFields& flag) {
    const std::string* tenant = context_.tenant_id();
    if (tenant == nullptr) return std::nullopt;
    const auto item = world_.overrides.find(std::pair(flag.flag_key, *tenant));
    if (item != world_.overrides.end()) {
      const bool is_there = flag.variations.contains(item->second->variation);
      coverage_.At(is_there ? "override" : "override whose variation is gone");
      if (!is_there) return std::nullopt;
      return Serve(flag, item->second->variation, Reason::kTargetingMatch);
    }
    const auto in_flag = flag.tenant_overrides.find(*tenant);
    if (in_flag == flag.tenant_overrides.end()) return std::nullopt;
    coverage_.At("override in the flag");
    return Serve(flag, in_flag->second ? flag.default_variation : flag.off_variation, Reason::kTargetingMatch);
  }

  // Step 7.
  std::optional<Answer> DecideRules(const FlagFields& flag) {
    for (const model::Rule& rule : flag.targeting_rules) {
      if (!IsActive(rule)) continue;
      const Truth truth = rule.everyone ? Truth(true) : MatchesGroup(*rule.when);
      if (!truth) coverage_.At("rule that cannot be decided");
      if (truth != Truth(true)) continue;
      coverage_.At(rule.everyone ? "rule for everyone" : "rule");
      Answer answer;
      if (const auto* split = std::get_if<model::Split>(&rule.serve)) {
        answer = ServeSplit(flag, *split);
      } else {
        answer = Serve(flag, std::get<std::string>(rule.serve), Reason::kTargetingMatch);
      }
      answer.rule_id = rule.id;
      return answer;
    }
    return std::nullopt;
  }

  bool IsActive(const model::Rule& rule) {
    const bool begun = !rule.starts_at || *rule.starts_at <= now_;
    const bool over = rule.ends_at && *rule.ends_at <= now_;
    if (rule.starts_at || rule.ends_at)
      coverage_.At(!begun ? "rule before its start" : over ? "rule after its end" : "rule within its period");
    return begun && !over;
  }

  // "Bucketing".
  Answer ServeSplit(const FlagFields& flag, const model::Split& split) {
    std::int64_t total = 0;
    std::vector<std::string> with_weight;
    for (const model::WeightedVariation& one : split) {
      total += one.weight;
      if (one.weight > 0) with_weight.push_back(one.variation);
    }
    if (with_weight.size() == 1) {
      coverage_.At("split with one share");
      return Serve(flag, with_weight[0], Reason::kSplit);
    }
    const auto unit = Lookup(context_, flag.bucket_by.value_or("targetingKey"));
    if (!unit || unit->AsString() == nullptr || unit->AsString()->empty()) {
      coverage_.At(unit ? "unit that is no text" : "unit that is missing");
      return {.reason = Reason::kError, .error = EvaluationError::kTargetingKeyMissing};
    }
    coverage_.At(flag.bucket_by ? "split by an attribute" : "split by targeting key");
    const std::uint64_t hash = Murmur3(flag.rollout_salt.value_or(flag.flag_key) + *unit->AsString());
    auto bucket = static_cast<std::int64_t>((hash * static_cast<std::uint64_t>(total)) >> 32U);
    for (const model::WeightedVariation& one : split) {
      if (bucket < one.weight) return Serve(flag, one.variation, Reason::kSplit);
      bucket -= one.weight;
    }
    coverage_.At("split that gave nothing");
    return {};
  }

  // Step 8.
  Answer DecideDefault(const FlagFields& flag) {
    if (flag.default_enabled && flag.rollout_percentage) {
      coverage_.At("rollout");
      const std::int64_t share = flag.rollout_percentage->thousandths();
      return ServeSplit(flag, {{.variation = flag.default_variation, .weight = share},
                               {.variation = flag.off_variation, .weight = 100'000 - share}});
    }
    const bool is_static = IsContextFree(flag);
    coverage_.At(is_static ? "static default" : flag.default_enabled ? "default variation" : "off variation");
    return Serve(flag, flag.default_enabled ? flag.default_variation : flag.off_variation,
                 is_static ? Reason::kStatic : Reason::kDefault);
  }

  bool IsContextFree(const FlagFields& flag) const {
    const bool has_items =
        std::ranges::any_of(world_.overrides, [&](const auto& one) { return one.first.first == flag.flag_key; });
    const bool has_tenant_switch = std::ranges::any_of(world_.kill_switches, [](const auto& one) {
      return one.second->scope.kind() == model::KillScope::Kind::kTenant;
    });
    return !has_items && !has_tenant_switch && !flag.tenant_id && flag.targeting_rules.empty() &&
           flag.prerequisites.empty() && flag.tenant_overrides.empty() && !flag.rollout_percentage;
  }

  // "Conditions".
  Truth MatchesGroup(const ConditionGroup& group) {
    if (group.children.empty()) {
      coverage_.At("empty group");
      return false;
    }
    bool any_true = false;
    bool any_false = false;
    bool any_unknown = false;
    for (const ConditionNode& child : group.children) {
      const Truth truth = MatchesNode(child);
      (truth ? *truth ? any_true : any_false : any_unknown) = true;
    }
    Truth result;
    switch (group.kind) {
      case model::GroupKind::kAll: result = any_false ? Truth(false) : any_unknown ? std::nullopt : Truth(true); break;
      case model::GroupKind::kAny: result = any_true ? Truth(true) : any_unknown ? std::nullopt : Truth(false); break;
      case model::GroupKind::kNone: result = any_true ? Truth(false) : any_unknown ? std::nullopt : Truth(true); break;
    }
    CoverGroup(group.kind, result);
    return result;
  }

  void CoverGroup(model::GroupKind kind, Truth result) {
    static constexpr std::string_view kNames[3][3] = {{"all: false", "all: true", "all: unknown"},
                                                      {"any: false", "any: true", "any: unknown"},
                                                      {"none: false", "none: true", "none: unknown"}};
    coverage_.At(kNames[static_cast<std::size_t>(kind)][result ? *result ? 1 : 0 : 2]);
  }

  Truth MatchesNode(const ConditionNode& node) {
    if (const auto* group = std::get_if<ConditionGroup>(&node)) return MatchesGroup(*group);
    const auto& condition = std::get<Condition>(node);
    if (condition.op == Operator::kInSegment) return MatchesSegments(condition);
    const bool matches = MatchesCondition(condition);
    coverage_.Condition(condition.op, matches ? Coverage::Outcome::kTrue : Coverage::Outcome::kFalse);
    return matches;
  }

  bool MatchesCondition(const Condition& condition) {
    const auto seen = Lookup(context_, condition.attribute);
    if (!seen) coverage_.Condition(condition.op, Coverage::Outcome::kMissing);
    if (condition.op == Operator::kExists)
      return seen.has_value() == (condition.values.empty() || *condition.values[0].AsBool());
    if (!seen) return false;
    const model::List* list = seen->AsList();
    if (list == nullptr) return MatchesOne(condition, *seen);
    coverage_.Condition(condition.op, Coverage::Outcome::kList);
    return std::ranges::any_of(*list, [&](const Value& element) { return MatchesOne(condition, element); });
  }

  Truth MatchesSegments(const Condition& condition) {
    bool any_unknown = false;
    for (const Value& key : condition.values) {
      const Truth truth = MatchesSegment(*key.AsString());
      if (truth == Truth(true)) {
        coverage_.Condition(condition.op, Coverage::Outcome::kTrue);
        return true;
      }
      any_unknown |= !truth;
    }
    coverage_.Condition(condition.op, any_unknown ? Coverage::Outcome::kMissing : Coverage::Outcome::kFalse);
    return any_unknown ? Truth() : Truth(false);
  }

  Truth MatchesSegment(const std::string& segment_key) {
    const auto at = world_.segments.find(segment_key);
    if (at == world_.segments.end()) return std::nullopt;
    const model::SegmentFields& segment = *at->second;
    if (const std::string* key = context_.targeting_key()) {
      if (std::ranges::find(segment.excluded, *key) != segment.excluded.end()) {
        coverage_.At("excluded from a segment");
        return false;
      }
      if (std::ranges::find(segment.included, *key) != segment.included.end()) {
        coverage_.At("included in a segment");
        return true;
      }
    }
    return segment.when ? MatchesGroup(*segment.when) : Truth(false);
  }

  const World& world_;
  const Context& context_;
  const base::Timestamp now_;
  Coverage& coverage_;
  int visits_ = 0;
};

}  // namespace

Answer EvaluateNaively(const World& world, const std::string& flag_key, const model::Context& context,
                       base::Timestamp now, Coverage& coverage) {
  Answer answer = NaiveEvaluator(world, context, now, coverage).Evaluate(flag_key);
  coverage.At(NameOf(answer.reason));
  if (answer.error != EvaluationError::kNone) coverage.At(NameOf(answer.error));
  if (answer.stale) coverage.At("stale flag");
  return answer;
}

}  // namespace guidon::twin
