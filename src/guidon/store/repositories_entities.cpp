// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "guidon/store/codec.hpp"
#include "guidon/store/paging.hpp"
#include "guidon/store/repositories.hpp"

namespace guidon::store {
namespace {

using base::Result;

Query ByCreation(std::string_view partition) {
  return {.index = Index::kGsi1Flags,
          .partition = std::string(partition),
          .sort = SortKeyBeginsWith{std::string(kCreationSortPrefix)},
          .forward = false};
}

}  // namespace

Result<std::optional<model::KillSwitch>> Repository::GetKillSwitch(const model::Environment& env,
                                                                   const model::KillScope& scope) {
  return ReadOne<model::KillSwitch>(table_, KillSwitchItemKey(env, scope), DecodeKillSwitch);
}

Result<Page<model::KillSwitch>> Repository::ListKillSwitches(const model::Environment& env, const PageRequest& page) {
  const Query query{.partition = KillSwitchPartition(env), .consistency = Consistency::kStrong};
  return ReadEach<model::KillSwitch>(table_, query, page, DecodeKillSwitch);
}

Result<std::optional<model::Tenant>> Repository::GetTenant(const model::TenantId& tenant) {
  return ReadOne<model::Tenant>(table_, TenantItemKey(tenant), DecodeTenant);
}

Result<Page<model::Tenant>> Repository::ListTenants(const PageRequest& page) {
  return ReadEach<model::Tenant>(table_, ByCreation(kTenantsIndexPartition), page, DecodeTenant);
}

Result<std::optional<model::ApiKey>> Repository::GetApiKey(const model::KeyId& key) {
  return ReadOne<model::ApiKey>(table_, ApiKeyItemKey(key), DecodeApiKey);
}

Result<Page<model::ApiKey>> Repository::ListApiKeys(const PageRequest& page) {
  return ReadEach<model::ApiKey>(table_, ByCreation(kApiKeysIndexPartition), page, DecodeApiKey);
}

Result<Page<model::ApiKey>> Repository::ListApiKeysOfTenant(const model::TenantId& tenant, const PageRequest& page) {
  const Query query{.index = Index::kGsi3Tenant,
                    .partition = TenantIndexPartition(tenant),
                    .sort = SortKeyBeginsWith{std::string(kApiKeySortPrefix)}};
  return ReadEach<model::ApiKey>(table_, query, page, [&](const Item& item) -> Result<model::ApiKey> {
    GUIDON_ASSIGN(model::ApiKey key, DecodeApiKey(item));
    if (key->tenant_id != tenant.str()) return std::unexpected(Contradiction("tenantId"));
    return key;
  });
}

}  // namespace guidon::store
