// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/compiled_flag.hpp"

#include <algorithm>
#include <utility>

#include "guidon/eval/fingerprint.hpp"
#include "guidon/eval/string_hash.hpp"

namespace guidon::eval {

const CompiledVariation* FlagBody::FindVariation(std::string_view name) const {
  constexpr std::size_t kFew = 8;
  if (variations.size() <= kFew) {
    for (const CompiledVariation& variation : variations)
      if (SameText(variation.name, name)) return &variation;
    return nullptr;
  }
  const auto at = std::ranges::lower_bound(variations, name, {}, &CompiledVariation::name);
  return at != variations.end() && at->name == name ? &*at : nullptr;
}

const CompiledVariation* FlagBody::FindTenantOverride(std::string_view wanted) const {
  using Entry = std::pair<std::string, const CompiledVariation*>;
  const auto at = std::ranges::lower_bound(tenant_overrides, wanted, {}, &Entry::first);
  return at != tenant_overrides.end() && at->first == wanted ? at->second : nullptr;
}

CompiledFlag::CompiledFlag(std::shared_ptr<const FlagBody> body, OverrideTable overrides, bool stale,
                           std::optional<std::string> broken_tenant)
    : body_(std::move(body)),
      overrides_(std::move(overrides)),
      stale_(stale),
      broken_tenant_(std::move(broken_tenant)) {
  for (const std::string& name : overrides_.names()) override_targets_.push_back(body_->FindVariation(name));
  Fingerprint fingerprint;
  fingerprint.Add(body_->fingerprint).Add(overrides_.digest()).Add(stale_).Add(broken_tenant_);
  fingerprint_ = fingerprint.Finish();
  has_answer_to_all_ = body_->context_free && overrides_.empty() && !body_->expires_at && !broken_tenant_;
  if (has_answer_to_all_) answer_to_all_ = AnswerWithoutContext(*this);
}

CompiledFlag::OverrideAnswer CompiledFlag::FindOverride(std::string_view tenant_id, std::uint64_t tenant_hash) const {
  if (const std::uint32_t* number = overrides_.Find(tenant_id, tenant_hash))
    return {.found = true, .variation = override_targets_[*number]};
  const CompiledVariation* variation = body_->FindTenantOverride(tenant_id);
  return {.found = variation != nullptr, .variation = variation};
}

std::string_view KeyOf(const CompiledFlag& flag) { return flag.body().key; }
std::string_view AnnotationOf(const CompiledFlag& flag) { return flag.body().annotation; }
model::FlagType TypeOf(const CompiledFlag& flag) { return flag.body().type; }
bool IsClientVisible(const CompiledFlag& flag) { return flag.body().client_visible; }
std::uint64_t FingerprintOf(const CompiledFlag& flag) { return flag.fingerprint(); }

}  // namespace guidon::eval
