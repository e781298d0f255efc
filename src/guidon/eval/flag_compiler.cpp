// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/flag_compiler.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "guidon/eval/fingerprint.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::eval {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using model::FlagFields;

std::string Annotate(std::string_view flag_key, const CompileOptions& options) {
  return options.annotate_flag ? options.annotate_flag(flag_key) : std::string();
}

Result<const CompiledVariation*> Named(const FlagBody& body, const std::string& name, std::string_view field) {
  if (const CompiledVariation* variation = body.FindVariation(name)) return variation;
  return Fail(ErrorCode::kInvalidArgument, "names '" + model::PathName(name) + "', which is none of the variations",
              std::string(field));
}

std::shared_ptr<const Variations> CompileVariations(const FlagFields& flag, const CompileOptions& options,
                                                    std::shared_ptr<const Variations>& booleans) {
  const auto same = [](const CompiledVariation& compiled, const auto& named) {
    return compiled.name == named.first && compiled.value == named.second;
  };
  const bool boolean = flag.type == model::FlagType::kBoolean;
  if (boolean && booleans != nullptr && std::ranges::equal(*booleans, flag.variations, same)) return booleans;
  Variations variations;
  variations.reserve(flag.variations.size());
  for (const auto& [name, value] : flag.variations) {
    std::string annotation = options.annotate_variation ? options.annotate_variation(name, value) : std::string();
    variations.push_back({.name = name, .value = value, .annotation = std::move(annotation)});
  }
  auto compiled = std::make_shared<const Variations>(std::move(variations));
  if (boolean) booleans = compiled;
  return compiled;
}

Status CompileServedVariations(const FlagFields& flag, FlagBody& body) {
  if (!flag.code_default || !flag.default_variation.empty()) {
    GUIDON_ASSIGN(body.default_variation, Named(body, flag.default_variation, "defaultVariation"));
  }
  if (!flag.code_default || !flag.off_variation.empty()) {
    GUIDON_ASSIGN(body.off_variation, Named(body, flag.off_variation, "offVariation"));
  }
  body.kill_variation = body.off_variation;
  if (flag.kill_variation) {
    GUIDON_ASSIGN(body.kill_variation, Named(body, *flag.kill_variation, "killVariation"));
  }
  for (const auto& [tenant_id, enabled] : flag.tenant_overrides) {
    const CompiledVariation* variation = enabled ? body.default_variation : body.off_variation;
    if (variation != nullptr) body.tenant_overrides.emplace_back(tenant_id, variation);
  }
  return {};
}

// A share without weight gets nobody and is left out.
void AddShare(CompiledSplit& split, const CompiledVariation* variation, std::int64_t weight) {
  if (weight <= 0) return;
  split.total += static_cast<std::uint64_t>(weight);
  split.shares.push_back({.end = split.total, .variation = variation});
  split.only = split.shares.size() == 1 ? variation : nullptr;
}

Result<CompiledSplit> CompileSplit(const FlagBody& body, const model::Split& split) {
  CompiledSplit compiled;
  for (std::size_t i = 0; i < split.size(); ++i) {
    const auto variation = Named(body, split[i].variation, "variation");
    if (!variation) return std::unexpected(model::At("split", i, std::unexpected(variation.error())).error());
    AddShare(compiled, *variation, split[i].weight);
  }
  if (compiled.total >= 1 && compiled.total <= std::uint64_t{model::kSplitWeightTotalMax}) return compiled;
  return Fail(ErrorCode::kInvalidArgument, "must have a total weight of 1 to 2147483647", "split");
}

Status CompileBucketing(const FlagFields& flag, AttributeSlots& slots, FlagBody& body) {
  body.salt = UnitHash(flag.rollout_salt && !flag.rollout_salt->empty() ? *flag.rollout_salt : flag.flag_key);
  if (flag.bucket_by) body.bucket_by_text = std::make_unique<const std::string>(*flag.bucket_by);
  const std::string_view bucket_by = BucketByOf(body);
  auto path = AttributePath::Parse(bucket_by);
  if (!path) return model::At("bucketBy", std::unexpected(std::move(path).error()));
  body.bucket_by = *std::move(path);
  body.bucket_by_slot = slots.NumberOf(bucket_by);
  if (!flag.rollout_percentage) return {};
  if (body.default_variation == nullptr || body.off_variation == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "needs both a default and an off variation", "rolloutPercentage");
  const std::int64_t share = flag.rollout_percentage->thousandths();
  body.rollout.emplace();
  AddShare(*body.rollout, body.default_variation, share);
  AddShare(*body.rollout, body.off_variation, model::kPercentageMax - share);
  return {};
}

Result<CompiledRule> CompileRule(const FlagBody& body, const model::Rule& rule, AttributeSlots& slots,
                                 const RepeatedConditions& repeated) {
  CompiledRule compiled;
  compiled.id = rule.id;
  compiled.starts_at = rule.starts_at;
  compiled.ends_at = rule.ends_at;
  if (rule.everyone == rule.when.has_value())
    return Fail(ErrorCode::kInvalidArgument, "must have either conditions or \"everyone\": true", "when");
  if (rule.when) {
    auto when = CompileConditions(*rule.when, slots, repeated);
    if (!when) return std::unexpected(model::Below("when", std::move(when).error()));
    compiled.when = *std::move(when);
  }
  if (const auto* split = std::get_if<model::Split>(&rule.serve)) {
    GUIDON_ASSIGN(compiled.split, CompileSplit(body, *split));
  } else {
    GUIDON_ASSIGN(compiled.variation, Named(body, *std::get_if<std::string>(&rule.serve), "variation"));
  }
  return compiled;
}

Status CompileRules(const FlagFields& flag, AttributeSlots& slots, FlagBody& body) {
  RepeatedConditions repeated;
  for (const model::Rule& rule : flag.targeting_rules)
    if (rule.when) repeated.Add(*rule.when);
  body.rules.reserve(flag.targeting_rules.size());
  for (std::size_t i = 0; i < flag.targeting_rules.size(); ++i) {
    auto rule = CompileRule(body, flag.targeting_rules[i], slots, repeated);
    if (!rule) return model::At("targetingRules", i, std::unexpected(std::move(rule).error()));
    body.rules.push_back(*std::move(rule));
  }
  return {};
}

Status CompileTargeting(const FlagFields& flag, FlagBody& body) {
  if (!flag.targeting) return {};
  auto program = flagd::Compile(*flag.targeting, flag.targeting_evaluators);
  if (!program) return model::At("targeting", std::unexpected(std::move(program).error()));
  body.targeting = *std::move(program);
  body.context_free = body.context_free && body.targeting == nullptr;
  return {};
}

void CopyPlainFields(const FlagFields& flag, FlagBody& body) {
  body.key = flag.flag_key;
  body.key_hash = StringHash{}(body.key);
  if (flag.tenant_id) body.tenant_id = std::make_unique<const std::string>(*flag.tenant_id);
  body.owner = flag.owner;
  body.owner_hash = StringHash{}(body.owner);
  body.type = flag.type;
  body.state = flag.state;
  body.client_visible = flag.client_visible;
  body.default_enabled = flag.default_enabled;
  body.expires_at = flag.expires_at;
  if (!flag.metadata.empty()) body.metadata = std::make_unique<const FlagMetadata>(flag.metadata);
  for (const model::Prerequisite& prerequisite : flag.prerequisites)
    body.prerequisites.push_back({.flag_key = prerequisite.flag_key, .variations = prerequisite.variations});
  body.ordinary =
      flag.state == model::FlagState::kEnabled && !flag.tenant_id && !flag.expires_at && flag.prerequisites.empty();
  body.context_free = !flag.tenant_id && flag.targeting_rules.empty() && flag.prerequisites.empty() &&
                      flag.tenant_overrides.empty() && !flag.rollout_percentage;
}

}  // namespace

Result<std::shared_ptr<const FlagBody>> CompileFlag(const model::Flag& flag, const CompileOptions& options,
                                                    AttributeSlots& slots,
                                                    std::shared_ptr<const Variations>& booleans) {
  auto body = std::make_shared<FlagBody>();
  CopyPlainFields(*flag, *body);
  body->annotation = Annotate(body->key, options);
  body->variations = CompileVariations(*flag, options, booleans);
  GUIDON_TRY(CompileServedVariations(*flag, *body));
  GUIDON_TRY(CompileBucketing(*flag, slots, *body));
  GUIDON_TRY(CompileRules(*flag, slots, *body));
  GUIDON_TRY(CompileTargeting(*flag, *body));
  body->fingerprint = FingerprintOfDefinition(*flag);
  return body;
}

std::shared_ptr<const FlagBody> BrokenBody(const BrokenFlag& broken, const CompileOptions& options) {
  auto body = std::make_shared<FlagBody>();
  body->key = broken.flag_key;
  body->key_hash = StringHash{}(body->key);
  body->owner_hash = StringHash{}(body->owner);
  body->annotation = Annotate(body->key, options);
  if (broken.tenant_id) body->tenant_id = std::make_unique<const std::string>(*broken.tenant_id);
  body->broken = std::make_unique<const base::Error>(broken.error);
  Fingerprint fingerprint;
  fingerprint.Add(std::string_view("broken")).Add(broken.flag_key).Add(broken.tenant_id);
  body->fingerprint = fingerprint.Finish();
  return body;
}

}  // namespace guidon::eval
