// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/compiled_flag.hpp"

#include <algorithm>
#include <utility>

#include "guidon/eval/fingerprint.hpp"
#include "guidon/eval/string_hash.hpp"

namespace guidon::eval {

const CompiledVariation* FlagBody::FindVariation(std::string_view name) const {
  constexpr std::size_t kFew = 8;
  if (variations->size() <= kFew) {
    for (const CompiledVariation& variation : *variations)
      if (SameText(variation.name, name)) return &variation;
    return nullptr;
  }
  const auto at = std::ranges::lower_bound(*variations, name, {}, &CompiledVariation::name);
  return at != variations->end() && at->name == name ? &*at : nullptr;
}

const CompiledVariation* FlagBody::FindTenantOverride(std::string_view wanted) const {
  using Entry = std::pair<std::string, const CompiledVariation*>;
  const auto at = std::ranges::lower_bound(tenant_overrides, wanted, {}, &Entry::first);
  return at != tenant_overrides.end() && at->first == wanted ? at->second : nullptr;
}

CompiledFlag::CompiledFlag(std::shared_ptr<const FlagBody> body, OverrideTable overrides, bool stale,
                           const std::optional<std::string>& broken_tenant)
    : body_(std::move(body)),
      broken_tenant_(broken_tenant ? std::make_unique<const std::string>(*broken_tenant) : nullptr),
      stale_(stale) {
  Fingerprint fingerprint;
  fingerprint.Add(body_->fingerprint).Add(overrides.digest()).Add(stale_).Add(broken_tenant);
  fingerprint_ = fingerprint.Finish();
  if (!overrides.empty()) {
    std::vector<const CompiledVariation*> targets;
    targets.reserve(overrides.names().size());
    for (const OverrideTable::Name& name : overrides.names()) targets.push_back(body_->FindVariation(name.text));
    overrides_ = std::make_unique<const Overrides>(std::move(overrides), std::move(targets));
  }
  has_answer_to_all_ = body_->context_free && overrides_ == nullptr && !body_->expires_at && broken_tenant_ == nullptr;
  if (has_answer_to_all_) answer_to_all_ = AnswerWithoutContext(*this);
}

const OverrideTable& CompiledFlag::overrides() const {
  static const OverrideTable kNone;
  return overrides_ == nullptr ? kNone : overrides_->table;
}

CompiledFlag::OverrideAnswer CompiledFlag::FindOverride(std::string_view tenant_id, std::uint64_t tenant_hash) const {
  const std::uint32_t* number = overrides_ == nullptr ? nullptr : overrides_->table.Find(tenant_id, tenant_hash);
  if (number != nullptr) return {.found = true, .variation = overrides_->targets[*number]};
  const CompiledVariation* variation = body_->FindTenantOverride(tenant_id);
  return {.found = variation != nullptr, .variation = variation};
}

std::string_view KeyOf(const CompiledFlag& flag) { return flag.body().key; }
std::string_view AnnotationOf(const CompiledFlag& flag) { return flag.body().annotation; }
const FlagMetadata* MetadataOf(const CompiledFlag& flag) { return flag.body().metadata.get(); }
model::FlagType TypeOf(const CompiledFlag& flag) { return flag.body().type; }
bool IsClientVisible(const CompiledFlag& flag) { return flag.body().client_visible; }
std::uint64_t FingerprintOf(const CompiledFlag& flag) { return flag.fingerprint(); }

}  // namespace guidon::eval
