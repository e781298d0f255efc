// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "guidon/store/codec.hpp"
#include "guidon/store/paging.hpp"
#include "guidon/store/repositories.hpp"

namespace guidon::store {
namespace {

using base::Result;
using base::Status;

std::string TextOf(const Item& item, std::string_view name) {
  const AttributeValue* value = item.Find(name);
  return value != nullptr && value->AsString() != nullptr ? *value->AsString() : std::string{};
}

// The item as a flag of `env`, readable or not. Error: the key is none of a flag of this environment, and then nothing
// of the item may be shown there.
Result<StoredFlag> ReadFlag(const model::Environment& env, const Item& item) {
  const std::string prefix = FlagKeyPrefix(env);
  const std::string partition = TextOf(item, "PK");
  if (!partition.starts_with(prefix)) return std::unexpected(Contradiction("PK"));
  if (TextOf(item, "SK") != kMetadataSort) return std::unexpected(Contradiction("SK"));
  auto flag = DecodeFlag(item);
  if (flag) return StoredFlag(*std::move(flag));
  const std::string tenant = TextOf(item, "tenantId");
  return StoredFlag(UnreadableFlag{.flag_key = partition.substr(prefix.size()),
                                   .error = std::move(flag).error(),
                                   .tenant_id = tenant.empty() ? std::nullopt : std::optional(tenant)});
}

std::optional<std::string> TenantOf(const StoredFlag& flag) {
  if (const auto* readable = std::get_if<model::Flag>(&flag)) return (*readable)->tenant_id;
  return std::get<UnreadableFlag>(flag).tenant_id;
}

// When the present incarnation of each flag was created; nothing where that cannot be read.
using Incarnations = std::map<std::string, std::optional<base::Timestamp>, std::less<>>;

Result<Incarnations> ReadIncarnations(Table& table, const std::vector<StoredOverride>& overrides) {
  std::vector<Key> keys;
  for (const StoredOverride& each : overrides) {
    const auto env = *model::Environment::Parse(each.override->environment);
    keys.push_back(FlagItemKey(env, *model::FlagKey::Parse(each.override->flag_key)));
  }
  GUIDON_ASSIGN(const std::vector<Item> flags, ReadItems(table, std::move(keys), Consistency::kStrong));
  Incarnations incarnations;
  for (const Item& flag : flags) incarnations.emplace(TextOf(flag, "PK"), CreatedAtOf(flag));
  return incarnations;
}

bool BelongsTo(const StoredOverride& stored, const std::optional<base::Timestamp>& flag_created_at) {
  return !stored.flag_created_at || stored.flag_created_at == flag_created_at;
}

Key OverrideKey(const model::Override& override) {
  return OverrideItemKey(*model::Environment::Parse(override->environment), *model::FlagKey::Parse(override->flag_key),
                         *model::TenantId::Parse(override->tenant_id));
}

}  // namespace

Result<std::optional<model::Flag>> Repository::GetFlag(const model::Environment& env, const model::FlagKey& flag) {
  return ReadOne<model::Flag>(table_, FlagItemKey(env, flag), DecodeFlag);
}

Result<std::vector<StoredFlag>> Repository::GetFlags(const model::Environment& env,
                                                     std::span<const model::FlagKey> flags) {
  std::vector<Key> keys;
  keys.reserve(flags.size());
  for (const auto& flag : flags) keys.push_back(FlagItemKey(env, flag));
  GUIDON_ASSIGN(const std::vector<Item> items, ReadItems(table_, std::move(keys), Consistency::kStrong));
  std::unordered_map<std::string, const Item*> by_partition;
  for (const Item& item : items) by_partition.emplace(TextOf(item, "PK"), &item);

  std::vector<StoredFlag> stored;
  stored.reserve(items.size());
  for (const auto& flag : flags) {
    const auto found = by_partition.find(FlagPartition(env, flag));
    if (found == by_partition.end()) continue;
    GUIDON_ASSIGN(StoredFlag each, ReadFlag(env, *found->second));
    stored.push_back(std::move(each));
    by_partition.erase(found);  // asked for twice, answered once
  }
  return stored;
}

Result<Page<StoredFlag>> Repository::ListFlags(const model::Environment& env, const PageRequest& page) {
  const Query query{.index = Index::kGsi1Flags,
                    .partition = FlagsIndexPartition(env),
                    .sort = SortKeyBeginsWith{std::string(kCreationSortPrefix)},
                    .forward = false};
  return ReadEach<StoredFlag>(table_, query, page, [&](const Item& item) { return ReadFlag(env, item); });
}

Result<Page<StoredFlag>> Repository::ListFlagsOfOwner(const model::Environment& env, const model::Owner& owner,
                                                      const PageRequest& page) {
  const Query query{.index = Index::kGsi2Owner,
                    .partition = OwnerIndexPartition(env, owner),
                    .sort = SortKeyBeginsWith{std::string(kFlagSortPrefix)}};
  return ReadEach<StoredFlag>(table_, query, page, [&](const Item& item) -> Result<StoredFlag> {
    GUIDON_ASSIGN(StoredFlag flag, ReadFlag(env, item));
    const auto* readable = std::get_if<model::Flag>(&flag);
    if (readable != nullptr && (*readable)->owner != owner.str()) return std::unexpected(Contradiction("owner"));
    return flag;
  });
}

Result<Page<StoredFlag>> Repository::ListFlagsOfTenant(const model::Environment& env, const model::TenantId& tenant,
                                                       const PageRequest& page) {
  const Query query{.index = Index::kGsi3Tenant,
                    .partition = TenantIndexPartition(tenant),
                    .sort = SortKeyBeginsWith{FlagKeyPrefix(env)}};
  return ReadEach<StoredFlag>(table_, query, page, [&](const Item& item) -> Result<StoredFlag> {
    GUIDON_ASSIGN(StoredFlag flag, ReadFlag(env, item));
    if (TenantOf(flag) != tenant.str()) return std::unexpected(Contradiction("tenantId"));
    return flag;
  });
}

Result<std::optional<model::Override>> Repository::GetOverride(const model::Environment& env,
                                                               const model::FlagKey& flag,
                                                               const model::TenantId& tenant) {
  const Key flag_key = FlagItemKey(env, flag);
  const Key override_key = OverrideItemKey(env, flag, tenant);
  GUIDON_ASSIGN(const std::vector<Item> items, ReadItems(table_, {flag_key, override_key}, Consistency::kStrong));
  const auto is_flag = [](const Item& item) { return TextOf(item, "SK") == kMetadataSort; };
  const auto flag_item = std::ranges::find_if(items, is_flag);
  const auto override_item = std::ranges::find_if_not(items, is_flag);
  if (flag_item == items.end() || override_item == items.end()) return std::nullopt;
  GUIDON_ASSIGN(StoredOverride stored, DecodeOverride(*override_item));
  if (!BelongsTo(stored, CreatedAtOf(*flag_item))) return std::nullopt;
  return std::optional(std::move(stored.override));
}

Result<std::optional<std::uint64_t>> Repository::OverrideItemVersion(const model::Environment& env,
                                                                     const model::FlagKey& flag,
                                                                     const model::TenantId& tenant) {
  return ReadOne<std::uint64_t>(table_, OverrideItemKey(env, flag, tenant), [](const Item& item) {
    auto stored = DecodeOverride(item);
    if (!stored) return Result<std::uint64_t>(std::unexpected(std::move(stored).error()));
    return Result<std::uint64_t>(stored->override->version);
  });
}

Result<Page<model::Override>> Repository::ListOverrides(const model::Environment& env, const model::FlagKey& flag,
                                                        const PageRequest& page) {
  GUIDON_ASSIGN(const GetResult flag_item, table_.Get(FlagItemKey(env, flag), Consistency::kStrong));
  // Without a flag nothing can be overridden; what is still there belongs to a former one.
  if (!flag_item.item) return Page<model::Override>{};
  const auto created_at = CreatedAtOf(*flag_item.item);
  const Query query{.partition = FlagPartition(env, flag),
                    .sort = SortKeyBeginsWith{std::string(kOverrideSortPrefix)},
                    .consistency = Consistency::kStrong};
  return ReadPage<model::Override>(table_, query, page,
                                   [&](const std::vector<Item>& items, Page<model::Override>& read) -> Status {
                                     for (const Item& item : items) {
                                       auto stored = DecodeOverride(item);
                                       if (!stored) {
                                         LeaveOut(item, stored.error(), read.unreadable);
                                       } else if (BelongsTo(*stored, created_at)) {
                                         read.items.push_back(std::move(stored->override));
                                       }
                                     }
                                     return {};
                                   });
}

Result<Page<model::Override>> Repository::ListOverridesOfTenant(const model::Environment& env,
                                                                const model::TenantId& tenant,
                                                                const PageRequest& page) {
  const Query query{.index = Index::kGsi3Tenant,
                    .partition = TenantIndexPartition(tenant),
                    .sort = SortKeyBeginsWith{TenantOverridesSortPrefix(env)}};
  const auto decode = [&](const Item& item) -> Result<StoredOverride> {
    GUIDON_ASSIGN(StoredOverride stored, DecodeOverride(item));
    if (stored.override->tenant_id != tenant.str()) return std::unexpected(Contradiction("tenantId"));
    if (stored.override->environment != env.str()) return std::unexpected(Contradiction("environment"));
    return stored;
  };
  return ReadPage<model::Override>(table_, query, page,
                                   [&](const std::vector<Item>& items, Page<model::Override>& read) -> Status {
                                     std::vector<StoredOverride> overrides;
                                     for (const Item& item : items) {
                                       auto stored = decode(item);
                                       if (stored) {
                                         overrides.push_back(*std::move(stored));
                                       } else {
                                         LeaveOut(item, stored.error(), read.unreadable);
                                       }
                                     }
                                     GUIDON_ASSIGN(const Incarnations flags, ReadIncarnations(table_, overrides));
                                     for (StoredOverride& stored : overrides) {
                                       const auto flag = flags.find(OverrideKey(stored.override).pk);
                                       if (flag == flags.end() || !BelongsTo(stored, flag->second)) continue;
                                       read.items.push_back(std::move(stored.override));
                                     }
                                     return {};
                                   });
}

}  // namespace guidon::store
