// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/flag.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/model/checks.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

Status TooMany(std::size_t count, std::size_t count_max, std::string_view field) {
  if (count <= count_max) return {};
  return Fail(ErrorCode::kTooLarge,
              "holds " + std::to_string(count) + " entries; at most " + std::to_string(count_max) + " are allowed",
              std::string(field));
}

void FillInBoolean(FlagFields& flag) {
  if (flag.variations.empty()) flag.variations = {{"on", Value(true)}, {"off", Value(false)}};
  if (flag.code_default) return;
  if (flag.default_variation.empty()) flag.default_variation = "on";
  if (flag.off_variation.empty()) flag.off_variation = "off";
}

Status CheckTags(const std::vector<std::string>& tags) {
  GUIDON_TRY(TooMany(tags.size(), kTagsMax, "tags"));
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    Status status = checks::Line(tags[i], kTagBytesMax, "");
    if (tags[i].empty()) status = Fail(ErrorCode::kInvalidArgument, "must not be empty");
    if (status && !seen.insert(tags[i]).second) status = Fail(ErrorCode::kInvalidArgument, "is there twice");
    GUIDON_TRY(At("tags", i, std::move(status)));
  }
  return {};
}

bool IsOfType(const Value& value, FlagType type) {
  switch (type) {
    case FlagType::kBoolean: return value.AsBool() != nullptr;
    case FlagType::kString: return value.AsString() != nullptr;
    case FlagType::kNumber: return value.IsNumber();
    case FlagType::kObject: return value.AsObject() != nullptr;
  }
  return false;
}

// Bytes as JSON, without counting escapes: close enough to bound an item's size.
std::size_t SerializedSize(const Value& value) {
  constexpr std::size_t kScalarSize = 8;
  if (const std::string* text = value.AsString()) return text->size() + 2;
  std::size_t size = 2;
  if (const List* list = value.AsList()) {
    for (const Value& item : *list) size += SerializedSize(item) + 1;
    return size;
  }
  if (const Object* object = value.AsObject()) {
    for (const auto& [name, member] : *object) size += name.size() + SerializedSize(member) + 4;
    return size;
  }
  return kScalarSize;
}

Status CheckVariation(const std::string& name, const Value& value, FlagType type) {
  GUIDON_TRY(VariationNameRule::Check(name, ""));
  if (!IsOfType(value, type))
    return Fail(ErrorCode::kInvalidArgument,
                "must be of the flag's type " + std::string(NameOf(type)) + ", not a " + std::string(value.TypeName()));
  GUIDON_TRY(CheckStorable(value, kVariationValueDepthMax, ""));
  const std::string* text = value.AsString();
  const std::size_t size = text != nullptr ? text->size() : SerializedSize(value);
  if (size > kVariationValueBytesMax)
    return Fail(ErrorCode::kTooLarge, "is " + std::to_string(size) + " bytes large; at most " +
                                          std::to_string(kVariationValueBytesMax) + " are allowed");
  return {};
}

Status CheckVariations(const FlagFields& flag) {
  if (flag.variations.empty())
    return Fail(ErrorCode::kInvalidArgument, "must be given for a flag of type " + std::string(NameOf(flag.type)),
                "variations");
  GUIDON_TRY(TooMany(flag.variations.size(), kVariationsMax, "variations"));
  for (const auto& [name, value] : flag.variations) {
    Status status = CheckVariation(name, value, flag.type);
    if (!status) return At("variations", At(PathName(name), std::move(status)));
  }
  return {};
}

Status CheckNamed(const FlagFields& flag, const std::string& variation, std::string_view field) {
  if (flag.variations.contains(variation)) return {};
  if (variation.empty())
    return Fail(ErrorCode::kInvalidArgument, "must name one of the variations", std::string(field));
  return Fail(ErrorCode::kInvalidArgument, "names '" + PathName(variation) + "', which is none of the variations",
              std::string(field));
}

Status CheckServedVariations(const FlagFields& flag) {
  const auto may_lack = [&](const std::string& variation) { return flag.code_default && variation.empty(); };
  if (!may_lack(flag.default_variation)) GUIDON_TRY(CheckNamed(flag, flag.default_variation, "defaultVariation"));
  if (!may_lack(flag.off_variation)) GUIDON_TRY(CheckNamed(flag, flag.off_variation, "offVariation"));
  if (flag.rollout_percentage && (flag.default_variation.empty() || flag.off_variation.empty()))
    return Fail(ErrorCode::kInvalidArgument, "needs both a default and an off variation", "rolloutPercentage");
  return flag.kill_variation ? CheckNamed(flag, *flag.kill_variation, "killVariation") : Status{};
}

Status CheckBucketing(const FlagFields& flag) {
  if (flag.rollout_salt) {
    if (flag.rollout_salt->empty())
      return Fail(ErrorCode::kInvalidArgument, "must not be empty; leave it out to use the flag's key", "rolloutSalt");
    GUIDON_TRY(checks::Line(*flag.rollout_salt, kSaltBytesMax, "rolloutSalt"));
  }
  return flag.bucket_by ? checks::AttributePath(*flag.bucket_by, "bucketBy") : Status{};
}

Status CheckWeight(std::int64_t weight) {
  if (weight >= 0 && weight <= kSplitWeightTotalMax) return {};
  return Fail(ErrorCode::kInvalidArgument, "must be a whole number from 0 to " + std::to_string(kSplitWeightTotalMax),
              "weight");
}

Status CheckSplit(const FlagFields& flag, const Split& split) {
  GUIDON_TRY(TooMany(split.size(), kVariationsMax, "split"));
  std::int64_t total = 0;
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < split.size(); ++i) {
    Status status = CheckNamed(flag, split[i].variation, "variation");
    if (status && !seen.insert(split[i].variation).second)
      status = Fail(ErrorCode::kInvalidArgument, "is in the split twice", "variation");
    if (status) status = CheckWeight(split[i].weight);
    GUIDON_TRY(At("split", i, std::move(status)));
    total += split[i].weight;  // cannot overflow: at most 100 weights of 31 bits
  }
  if (total >= 1 && total <= kSplitWeightTotalMax) return {};
  return Fail(
      ErrorCode::kInvalidArgument,
      "has a total weight of " + std::to_string(total) + "; it must be 1 to " + std::to_string(kSplitWeightTotalMax),
      "split");
}

Status CheckAudience(const Rule& rule) {
  if (rule.everyone && rule.when)
    return Fail(ErrorCode::kInvalidArgument, "must be left out where everyone is true", "when");
  if (rule.when) return CheckConditions(*rule.when, "when");
  if (rule.everyone) return {};
  return Fail(ErrorCode::kInvalidArgument, "must be given, or \"everyone\": true", "when");
}

Status CheckPeriod(const Rule& rule) {
  GUIDON_TRY(checks::Time(rule.starts_at, "startsAt"));
  GUIDON_TRY(checks::Time(rule.ends_at, "endsAt"));
  if (!rule.starts_at || !rule.ends_at || *rule.starts_at < *rule.ends_at) return {};
  return Fail(ErrorCode::kInvalidArgument, "must be later than startsAt", "endsAt");
}

Status CheckRule(const FlagFields& flag, const Rule& rule) {
  GUIDON_TRY(checks::Identifier(rule.id, kRuleIdBytesMax, "id"));
  GUIDON_TRY(checks::Prose(rule.description, kDescriptionBytesMax, "description"));
  GUIDON_TRY(CheckAudience(rule));
  if (const auto* split = std::get_if<Split>(&rule.serve)) {
    GUIDON_TRY(CheckSplit(flag, *split));
  } else {
    GUIDON_TRY(CheckNamed(flag, std::get<std::string>(rule.serve), "variation"));
  }
  return CheckPeriod(rule);
}

Status CheckRules(const FlagFields& flag) {
  GUIDON_TRY(TooMany(flag.targeting_rules.size(), kRulesMax, "targetingRules"));
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < flag.targeting_rules.size(); ++i) {
    const Rule& rule = flag.targeting_rules[i];
    Status status = CheckRule(flag, rule);
    if (status && !seen.insert(rule.id).second)
      status = Fail(ErrorCode::kInvalidArgument, "is the id of an earlier rule", "id");
    GUIDON_TRY(At("targetingRules", i, std::move(status)));
  }
  return {};
}

// Names and values of an expression: well-formed text, finite numbers, limits kept.
class ExpressionCheck {
 public:
  Status Check(const Value& value, std::size_t depth) {
    if (depth > kTargetingDepthMax)
      return Fail(ErrorCode::kTooLarge,
                  "is nested too deeply; at most " + std::to_string(kTargetingDepthMax) + " levels are allowed");
    if (++nodes_ > kTargetingNodesMax) return Fail(ErrorCode::kTooLarge, "has too many parts");
    const std::string* text = value.AsString();
    if (text != nullptr && !checks::IsUtf8(*text)) return Fail(ErrorCode::kInvalidArgument, "is not valid UTF-8");
    const double* number = value.AsDouble();
    if (number != nullptr && !std::isfinite(*number))
      return Fail(ErrorCode::kInvalidArgument, "must be a finite number");
    if (const List* list = value.AsList())
      for (std::size_t i = 0; i < list->size(); ++i) GUIDON_TRY(At("", i, Check((*list)[i], depth + 1)));
    if (const Object* object = value.AsObject()) {
      for (const auto& [name, member] : *object) {
        Status status =
            checks::IsUtf8(name) ? Check(member, depth + 1) : Fail(ErrorCode::kInvalidArgument, "is not valid UTF-8");
        if (!status) return At(PathName(name), std::move(status));
      }
    }
    return {};
  }

 private:
  std::size_t nodes_ = 0;
};

Status CheckExpression(const Value& value, std::string_view field) {
  GUIDON_TRY(At(field, ExpressionCheck().Check(value, 0)));
  const std::size_t size = SerializedSize(value);
  if (size <= kTargetingBytesMax) return {};
  return Fail(
      ErrorCode::kTooLarge,
      "is " + std::to_string(size) + " bytes large; at most " + std::to_string(kTargetingBytesMax) + " are allowed",
      std::string(field));
}

Status CheckTargeting(const FlagFields& flag) {
  if (!flag.targeting) {
    if (flag.targeting_evaluators.empty()) return {};
    return Fail(ErrorCode::kInvalidArgument, "must be left out where there is no targeting", "targetingEvaluators");
  }
  if (flag.targeting->AsObject() == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "must be an object, not a " + std::string(flag.targeting->TypeName()),
                "targeting");
  if (!flag.targeting_rules.empty())
    return Fail(ErrorCode::kInvalidArgument, "must be left out where the flag has targetingRules", "targeting");
  GUIDON_TRY(CheckExpression(*flag.targeting, "targeting"));
  GUIDON_TRY(TooMany(flag.targeting_evaluators.size(), kTargetingEvaluatorsMax, "targetingEvaluators"));
  Object all;
  for (const auto& [name, evaluator] : flag.targeting_evaluators) {
    const std::string path = "targetingEvaluators." + PathName(name);
    GUIDON_TRY(checks::Line(name, kEvaluatorNameBytesMax, path));
    GUIDON_TRY(CheckExpression(evaluator, path));
    all.Set(name, evaluator);
  }
  return CheckExpression(all, "targetingEvaluators");
}

Status CheckMetadata(const FlagFields& flag) {
  GUIDON_TRY(TooMany(flag.metadata.size(), kMetadataMax, "metadata"));
  std::size_t size = 0;
  for (const auto& [name, value] : flag.metadata) {
    const std::string path = "metadata." + PathName(name);
    GUIDON_TRY(checks::Line(name, kMetadataBytesMax, path));
    if (name.empty()) return Fail(ErrorCode::kInvalidArgument, "must not have an empty name", "metadata");
    if (value.IsNull() || value.AsList() != nullptr || value.AsObject() != nullptr)
      return Fail(ErrorCode::kInvalidArgument, "must be a string, a number or a boolean", path);
    GUIDON_TRY(CheckStorable(value, 0, path));
    size += name.size() + SerializedSize(value);
  }
  if (size <= kMetadataBytesMax) return {};
  return Fail(
      ErrorCode::kTooLarge,
      "is " + std::to_string(size) + " bytes large; at most " + std::to_string(kMetadataBytesMax) + " are allowed",
      "metadata");
}

Status CheckPrerequisite(const FlagFields& flag, const Prerequisite& prerequisite) {
  GUIDON_TRY(FlagKeyRule::Check(prerequisite.flag_key, FlagKeyRule::kField));
  if (prerequisite.flag_key == flag.flag_key)
    return Fail(ErrorCode::kInvalidArgument, "must be another flag", "flagKey");
  if (prerequisite.variations.empty())
    return Fail(ErrorCode::kInvalidArgument, "must name at least one variation of the other flag", "variations");
  GUIDON_TRY(TooMany(prerequisite.variations.size(), kVariationsMax, "variations"));
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < prerequisite.variations.size(); ++i) {
    Status status = VariationNameRule::Check(prerequisite.variations[i], "");
    if (status && !seen.insert(prerequisite.variations[i]).second)
      status = Fail(ErrorCode::kInvalidArgument, "is there twice");
    GUIDON_TRY(At("variations", i, std::move(status)));
  }
  return {};
}

Status CheckPrerequisites(const FlagFields& flag) {
  GUIDON_TRY(TooMany(flag.prerequisites.size(), kPrerequisitesMax, "prerequisites"));
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < flag.prerequisites.size(); ++i) {
    Status status = CheckPrerequisite(flag, flag.prerequisites[i]);
    if (status && !seen.insert(flag.prerequisites[i].flag_key).second)
      status = Fail(ErrorCode::kInvalidArgument, "is the flag of an earlier prerequisite", "flagKey");
    GUIDON_TRY(At("prerequisites", i, std::move(status)));
  }
  return {};
}

Status CheckTenantOverrides(const FlagFields& flag) {
  for (const auto& [tenant_id, enabled] : flag.tenant_overrides) {
    Status status = TenantIdRule::Check(tenant_id, "");
    if (!status) return At("tenantOverrides", At(PathName(tenant_id), std::move(status)));
  }
  return {};
}

Status CheckIdentity(const FlagFields& flag) {
  GUIDON_TRY(FlagKeyRule::Check(flag.flag_key, FlagKeyRule::kField));
  GUIDON_TRY(EnvironmentRule::Check(flag.environment, EnvironmentRule::kField));
  GUIDON_TRY(checks::Prose(flag.description, kDescriptionBytesMax, "description"));
  GUIDON_TRY(OwnerRule::Check(flag.owner, OwnerRule::kField));
  if (flag.tenant_id) GUIDON_TRY(TenantIdRule::Check(*flag.tenant_id, TenantIdRule::kField));
  GUIDON_TRY(CheckTags(flag.tags));
  if (!FlagTypeFromName(NameOf(flag.type))) return Fail(ErrorCode::kInvalidArgument, "is not known", "type");
  if (!FlagStateFromName(NameOf(flag.state))) return Fail(ErrorCode::kInvalidArgument, "is not known", "state");
  return {};
}

Status CheckHistory(const FlagFields& flag) {
  GUIDON_TRY(checks::Time(flag.expires_at, "expiresAt"));
  GUIDON_TRY(checks::Version(flag.version));
  GUIDON_TRY(checks::Time(flag.created_at, "createdAt"));
  GUIDON_TRY(checks::Time(flag.updated_at, "updatedAt"));
  return checks::Line(flag.updated_by, kActorBytesMax, "updatedBy");
}

}  // namespace

std::string_view NameOf(FlagType type) {
  switch (type) {
    case FlagType::kBoolean: return "boolean";
    case FlagType::kString: return "string";
    case FlagType::kNumber: return "number";
    case FlagType::kObject: return "object";
  }
  return "unknown";
}

std::optional<FlagType> FlagTypeFromName(std::string_view name) {
  for (const FlagType type : {FlagType::kBoolean, FlagType::kString, FlagType::kNumber, FlagType::kObject})
    if (NameOf(type) == name) return type;
  return std::nullopt;
}

std::string_view NameOf(FlagState state) {
  switch (state) {
    case FlagState::kEnabled: return "ENABLED";
    case FlagState::kDisabled: return "DISABLED";
    case FlagState::kArchived: return "ARCHIVED";
  }
  return "unknown";
}

std::optional<FlagState> FlagStateFromName(std::string_view name) {
  for (const FlagState state : {FlagState::kEnabled, FlagState::kDisabled, FlagState::kArchived})
    if (NameOf(state) == name) return state;
  return std::nullopt;
}

Result<Percentage> Percentage::Create(double percent, std::string_view field) {
  // A decimal fraction is rarely exact in binary, and arithmetic adds some error; a fourth decimal is 0.1 away.
  constexpr double kTolerance = 1e-6;
  const double thousandths = percent * static_cast<double>(kPercentageScale);
  if (!(thousandths > -kTolerance && thousandths < static_cast<double>(kPercentageMax) + kTolerance))
    return Fail(ErrorCode::kInvalidArgument, "must be a number from 0 to 100", std::string(field));
  const std::int64_t rounded = std::llround(thousandths);
  if (std::fabs(thousandths - static_cast<double>(rounded)) > kTolerance)
    return Fail(ErrorCode::kInvalidArgument, "must have at most three decimals: 0.001 % is the finest step",
                std::string(field));
  return Percentage(rounded);
}

Result<Flag> Flag::Create(FlagFields fields) {
  GUIDON_TRY(CheckIdentity(fields));
  if (fields.type == FlagType::kBoolean) FillInBoolean(fields);
  GUIDON_TRY(CheckVariations(fields));
  GUIDON_TRY(CheckServedVariations(fields));
  GUIDON_TRY(CheckBucketing(fields));
  GUIDON_TRY(CheckRules(fields));
  GUIDON_TRY(CheckTargeting(fields));
  GUIDON_TRY(CheckMetadata(fields));
  GUIDON_TRY(CheckPrerequisites(fields));
  GUIDON_TRY(CheckTenantOverrides(fields));
  GUIDON_TRY(CheckHistory(fields));
  return Flag(std::move(fields));
}

}  // namespace guidon::model
