// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/override_table.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "guidon/eval/fingerprint.hpp"

namespace guidon::eval {
namespace {

std::uint64_t DigestOf(std::string_view tenant_id, std::string_view variation) {
  Fingerprint fingerprint;
  fingerprint.Add(tenant_id).Add(variation);
  return fingerprint.Finish();
}

}  // namespace

void OverrideTable::Set(std::string tenant_id, std::string_view variation) {
  Forget(tenant_id);
  digest_ += DigestOf(tenant_id, variation);
  const std::uint32_t number = NumberOf(variation);
  ++names_[number].uses;
  by_tenant_.Set(std::move(tenant_id), number);
}

void OverrideTable::Erase(std::string_view tenant_id) {
  if (Forget(tenant_id)) by_tenant_.Erase(tenant_id);
}

bool OverrideTable::Forget(std::string_view tenant_id) {
  const auto there = Find(tenant_id);
  if (!there) return false;
  digest_ -= DigestOf(tenant_id, names_[*there].text);
  --names_[*there].uses;
  return true;
}

std::vector<std::string> OverrideTable::UsedNames() const {
  std::vector<std::string> used;
  for (const Name& name : names_)
    if (name.uses > 0) used.push_back(name.text);
  return used;
}

std::optional<std::uint32_t> OverrideTable::Find(std::string_view tenant_id) const {
  const std::uint32_t* number = by_tenant_.Find(tenant_id);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::uint32_t OverrideTable::NumberOf(std::string_view variation) {
  const auto at = std::ranges::find(names_, variation, &Name::text);
  const auto number = static_cast<std::uint32_t>(at - names_.begin());
  if (at == names_.end()) names_.push_back({.text = std::string(variation)});
  return number;
}

}  // namespace guidon::eval
