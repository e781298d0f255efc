// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

#include "guidon/flagd/condition_export.hpp"
#include "guidon/flagd/flagd.hpp"
#include "guidon/flagd/logic.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::flagd {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using logic::Call;
using logic::If;
using logic::IsText;
using logic::Var;
using model::Flag;
using model::List;
using model::Object;
using model::Value;

constexpr std::string_view kSchema = "https://flagd.dev/schema/v0/flags.json";
// Flags below flags below flags.
constexpr std::size_t kPrerequisiteDepthMax = 8;
constexpr std::string_view kNowPath = "$flagd.timestamp";

std::unexpected<base::Error> Unsupported(std::string what) { return Fail(ErrorCode::kUnsupported, std::move(what)); }

// flagd counts seconds; a later begin and a later end are on the safe and on the exact side of a fraction.
std::int64_t SecondsAtLeast(base::Timestamp time) {
  return std::chrono::ceil<std::chrono::seconds>(time.time_since_epoch()).count();
}

Value NameOrNull(const std::string& variation) { return variation.empty() ? Value() : Value(variation); }

// What one flag becomes, from the inside out: rules or expression, then overrides, prerequisites, expiry and kill
// switches around it.
class FlagExport {
 public:
  FlagExport(const Definitions& definitions, ConditionExport& conditions, const Flag& flag)
      : definitions_(definitions), conditions_(conditions), flag_(flag) {}

  // The expression, or nothing where the flag needs none. `everything`: it must name the default itself, because it
  // stands inside the expression of another flag.
  Result<std::optional<Value>> Targeting(bool everything, std::size_t depth);
  // The variation that is served where the expression answers null.
  const std::string& Otherwise() const {
    const bool on = flag_->default_enabled && !flag_->rollout_percentage;
    return on ? flag_->default_variation : flag_->off_variation;
  }
  bool disabled_by_switch() const { return disabled_by_switch_; }

 private:
  Result<std::optional<Value>> Rules(bool everything);
  Result<Value> Serve(const model::Rule& rule);
  Value Split(const std::vector<std::pair<std::string, std::int64_t>>& shares, bool everything);
  Result<Value> WithOverrides(Value inner);
  Result<Value> WithPrerequisites(Value inner, std::size_t depth);
  Result<Value> WithKillSwitches(Value inner);
  Result<Value> Started(const model::Rule& rule, Value condition);

  const Definitions& definitions_;
  ConditionExport& conditions_;
  const Flag& flag_;
  bool everything_ = false;
  bool disabled_by_switch_ = false;
};

// Weighted shares, bucketed as we do. Whoever has nothing to hash gets the off variation.
Value FlagExport::Split(const std::vector<std::pair<std::string, std::int64_t>>& shares, bool everything) {
  List entries;
  std::string only;
  for (const auto& [variation, weight] : shares) {
    if (weight <= 0) continue;
    only = variation;
    entries.push_back(List{Value(variation), Value(weight)});
  }
  if (entries.size() == 1) return Value(only);
  const bool plain = !flag_->rollout_salt && !flag_->bucket_by.has_value();
  const std::string path = flag_->bucket_by.value_or("targetingKey");
  const Value unit = Var(path);
  Value has_unit = unit;
  if (!plain || everything) {
    const Value salt(flag_->rollout_salt.value_or(flag_->flag_key));
    entries.insert(entries.begin(), Call("cat", List{salt, unit}));
    if (path != "targetingKey" && path != "tenantId") has_unit = Call("and", List{IsText(unit), Call("!==", unit, "")});
  }
  // As a prerequisite, that serves nothing, as it does with us.
  Value otherwise = everything ? Value() : NameOrNull(flag_->off_variation);
  return If(std::move(has_unit), Call("fractional", Value(std::move(entries))), std::move(otherwise));
}

Result<Value> FlagExport::Serve(const model::Rule& rule) {
  if (const auto* name = std::get_if<std::string>(&rule.serve)) return Value(*name);
  std::vector<std::pair<std::string, std::int64_t>> shares;
  for (const auto& share : std::get<model::Split>(rule.serve)) shares.emplace_back(share.variation, share.weight);
  return Split(shares, everything_);
}

Result<Value> FlagExport::Started(const model::Rule& rule, Value condition) {
  List parts;
  if (rule.starts_at) parts.push_back(Call(">=", Var(kNowPath), Value(SecondsAtLeast(*rule.starts_at))));
  if (rule.ends_at) parts.push_back(Call("<", Var(kNowPath), Value(SecondsAtLeast(*rule.ends_at))));
  if (parts.empty()) return condition;
  parts.push_back(std::move(condition));
  return Call("and", Value(std::move(parts)));
}

Result<std::optional<Value>> FlagExport::Rules(bool everything) {
  List branches;
  for (const model::Rule& rule : flag_->targeting_rules) {
    Value condition = true;
    if (rule.when) {
      auto written = conditions_.Group(*rule.when);
      if (!written) return Unsupported("rule '" + rule.id + "': " + written.error().message);
      condition = *std::move(written);
    }
    GUIDON_ASSIGN(condition, Started(rule, std::move(condition)));
    GUIDON_ASSIGN(Value serve, Serve(rule));
    branches.push_back(std::move(condition));
    branches.push_back(std::move(serve));
  }
  Value otherwise = everything ? NameOrNull(Otherwise()) : Value();
  if (flag_->default_enabled && flag_->rollout_percentage) {
    const std::int64_t share = flag_->rollout_percentage->thousandths();
    otherwise =
        Split({{flag_->default_variation, share}, {flag_->off_variation, model::kPercentageMax - share}}, everything);
  }
  if (branches.empty()) {
    if (otherwise.IsNull()) return std::nullopt;
    if (otherwise.AsString() != nullptr) return std::optional(If(true, otherwise, Value()));
    return std::optional(std::move(otherwise));
  }
  branches.push_back(std::move(otherwise));
  return std::optional(Call("if", Value(std::move(branches))));
}

Result<Value> FlagExport::WithOverrides(Value inner) {
  std::map<std::string, std::string> tenants;  // → variation
  for (const auto& [tenant, enabled] : flag_->tenant_overrides)
    tenants[tenant] = enabled ? flag_->default_variation : flag_->off_variation;
  if (const auto found = definitions_.overrides.find(flag_->flag_key); found != definitions_.overrides.end())
    for (const model::Override& one : found->second) tenants[one->tenant_id] = one->variation;
  if (tenants.size() > kExportedOverridesMax)
    return Unsupported("it has more than " + std::to_string(kExportedOverridesMax) + " overrides");
  std::map<std::string, List> by_variation;
  for (const auto& [tenant, variation] : tenants)
    if (flag_->variations.contains(variation)) by_variation[variation].push_back(Value(tenant));
  for (auto& [variation, list] : by_variation)
    inner = If(Call("in", Var("tenantId"), Value(std::move(list))), Value(variation), std::move(inner));
  return inner;
}

Result<Value> FlagExport::WithPrerequisites(Value inner, std::size_t depth) {
  if (flag_->prerequisites.empty()) return inner;
  if (depth >= kPrerequisiteDepthMax) return Unsupported("its prerequisites lead too far");
  List met;
  for (const model::Prerequisite& prerequisite : flag_->prerequisites) {
    const auto other = std::ranges::find_if(definitions_.flags,
                                            [&](const Flag& flag) { return flag->flag_key == prerequisite.flag_key; });
    if (other == definitions_.flags.end())
      return Unsupported("its prerequisite '" + prerequisite.flag_key + "' is not there");
    if ((*other)->tenant_id) return Unsupported("its prerequisite '" + prerequisite.flag_key + "' belongs to a tenant");
    if ((*other)->targeting)
      return Unsupported("its prerequisite '" + prerequisite.flag_key + "' has an expression of its own");
    // A kill switch would decide before its state does.
    if ((*other)->state == model::FlagState::kDisabled && !definitions_.kill_switches.empty())
      return Unsupported("its prerequisite '" + prerequisite.flag_key +
                         "' is disabled while kill switches are engaged");
    if ((*other)->state != model::FlagState::kEnabled) return Value(NameOrNull(flag_->off_variation));
    FlagExport inside(definitions_, conditions_, *other);
    GUIDON_ASSIGN(std::optional<Value> expression, inside.Targeting(true, depth + 1));
    if (inside.disabled_by_switch()) return Value(NameOrNull(flag_->off_variation));
    const List names(prerequisite.variations.begin(), prerequisite.variations.end());
    met.push_back(Call("in", expression ? *std::move(expression) : Value(), Value(names)));
  }
  return If(logic::Joined("and", std::move(met)), std::move(inner), NameOrNull(flag_->off_variation));
}

Result<Value> FlagExport::WithKillSwitches(Value inner) {
  const std::string& kill = flag_->kill_variation ? *flag_->kill_variation : flag_->off_variation;
  List tenants;
  bool engaged = false;
  for (const model::KillSwitch& one : definitions_.kill_switches) {
    using Kind = model::KillScope::Kind;
    const model::KillScope& scope = one->scope;
    if (scope.kind() == Kind::kTenant) {
      tenants.push_back(Value(scope.id()));
    } else {
      engaged = engaged || scope.kind() == Kind::kGlobal ||
                (scope.kind() == Kind::kFlag && scope.id() == flag_->flag_key) ||
                (scope.kind() == Kind::kOwner && scope.id() == flag_->owner);
    }
  }
  if (kill.empty() && (engaged || !tenants.empty())) {
    if (!engaged) return Unsupported("a kill switch of a tenant is engaged and there is no variation to serve instead");
    disabled_by_switch_ = true;
    return inner;
  }
  if (!tenants.empty())
    inner = If(Call("in", Var("tenantId"), Value(std::move(tenants))), Value(kill), std::move(inner));
  return engaged ? If(true, Value(kill), std::move(inner)) : inner;
}

Result<std::optional<Value>> FlagExport::Targeting(bool everything, std::size_t depth) {
  everything_ = everything;
  std::optional<Value> start;
  if (flag_->targeting) {
    if (flag_->rollout_percentage && flag_->default_enabled)
      return Unsupported("it has a percentage behind its expression");
    start = flag_->targeting;
  } else {
    GUIDON_ASSIGN(start, Rules(everything));
  }
  const Value inside = start.value_or(Value());
  GUIDON_ASSIGN(Value outside, WithOverrides(inside));
  GUIDON_ASSIGN(outside, WithPrerequisites(std::move(outside), depth));
  if (flag_->expires_at)
    outside = If(Call(">=", Var(kNowPath), Value(SecondsAtLeast(*flag_->expires_at))), NameOrNull(flag_->off_variation),
                 std::move(outside));
  GUIDON_ASSIGN(outside, WithKillSwitches(std::move(outside)));
  if (outside == inside) return start;
  if (outside.AsString() != nullptr) return std::optional(If(true, std::move(outside), Value()));
  return std::optional(std::move(outside));
}

// What somebody must know who runs the exported definition.
std::vector<std::string> DifferencesOf(const Flag& flag) {
  std::vector<std::string> differences;
  const auto has_split = [](const model::Rule& rule) { return std::holds_alternative<model::Split>(rule.serve); };
  if (flag->rollout_percentage || std::ranges::any_of(flag->targeting_rules, has_split))
    differences.emplace_back(
        "A context without a key to choose a share by gets the off variation, where Guidon answers "
        "TARGETING_KEY_MISSING.");
  const auto is_fraction = [](const std::optional<base::Timestamp>& time) {
    return time && time->time_since_epoch() % std::chrono::seconds{1} != std::chrono::milliseconds{0};
  };
  if (is_fraction(flag->expires_at) || std::ranges::any_of(flag->targeting_rules, [&](const model::Rule& rule) {
        return is_fraction(rule.starts_at) || is_fraction(rule.ends_at);
      }))
    differences.emplace_back("Times are rounded up to whole seconds.");
  return differences;
}

// All flags of one document.
class DocumentExport {
 public:
  explicit DocumentExport(const Definitions& definitions)
      : definitions_(definitions), conditions_(definitions.segments) {}

  Export Run() && {
    for (const Flag& flag : definitions_.flags) Add(flag);
    Object document;
    document.Set("$schema", kSchema);
    document.Set("flags", Value(std::move(flags_)));
    for (const auto& [name, body] : conditions_.evaluators()) evaluators_.Set(name, body);
    if (!evaluators_.empty()) document.Set("$evaluators", Value(std::move(evaluators_)));
    return {.document = Value(std::move(document)), .notes = std::move(notes_)};
  }

 private:
  void Note(const Flag& flag, std::string message) {
    notes_.push_back({.flag_key = flag->flag_key, .message = std::move(message)});
  }
  void LeaveOut(const Flag& flag, const std::string& why) { Note(flag, "Left out: " + why + "."); }

  void Add(const Flag& flag) {
    if (flag->state == model::FlagState::kArchived) return LeaveOut(flag, "it is archived");
    if (flag->tenant_id)
      return LeaveOut(flag, "it belongs to the tenant '" + *flag->tenant_id + "', and flagd would serve it to all");
    if (!TakeEvaluators(flag)) return;
    FlagExport out(definitions_, conditions_, flag);
    auto targeting = out.Targeting(false, 0);
    if (!targeting) return LeaveOut(flag, targeting.error().message);
    if (flag->state == model::FlagState::kDisabled && !definitions_.kill_switches.empty())
      Note(flag, "A disabled flag serves nothing, also where a kill switch would serve a variation.");
    for (std::string& text : DifferencesOf(flag)) Note(flag, std::move(text));
    for (const std::string& text : conditions_.TakeNotes()) Note(flag, text);
    Object definition;
    const bool enabled = flag->state == model::FlagState::kEnabled && !out.disabled_by_switch();
    definition.Set("state", enabled ? "ENABLED" : "DISABLED");
    definition.Set("variants", *Object::FromEntries({flag->variations.begin(), flag->variations.end()}));
    if (!out.Otherwise().empty()) definition.Set("defaultVariant", out.Otherwise());
    if (*targeting) definition.Set("targeting", **std::move(targeting));
    if (!flag->metadata.empty())
      definition.Set("metadata", *Object::FromEntries({flag->metadata.begin(), flag->metadata.end()}));
    flags_.Set(flag->flag_key, Value(std::move(definition)));
  }

  // Flags may have different evaluators of one name; the document cannot.
  bool TakeEvaluators(const Flag& flag) {
    for (const auto& [name, body] : flag->targeting_evaluators) {
      const Value* other = evaluators_.Find(name);
      if (other != nullptr && !(*other == body)) {
        LeaveOut(flag, "its evaluator '" + model::PathName(name) + "' is another than that of an earlier flag");
        return false;
      }
    }
    for (const auto& [name, body] : flag->targeting_evaluators) evaluators_.Set(name, body);
    return true;
  }

  const Definitions& definitions_;
  ConditionExport conditions_;
  Object flags_;
  Object evaluators_;
  std::vector<flagd::Note> notes_;
};

}  // namespace

Export ToFlagd(const Definitions& definitions) { return DocumentExport(definitions).Run(); }

}  // namespace guidon::flagd
