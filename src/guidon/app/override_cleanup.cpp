// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/override_cleanup.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "guidon/base/log.hpp"
#include "guidon/store/codec.hpp"
#include "guidon/store/keys.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::app {
namespace {

constexpr std::string_view kIncarnation = "flagCreatedAt";

// Conditional, since a new flag of the same key may have got an override for the same tenant by now.
std::vector<store::TransactionOperation> Removals(const std::vector<store::Item>& items, base::Timestamp created_at) {
  std::vector<store::TransactionOperation> removals;
  for (const auto& item : items) {
    const auto decoded = store::DecodeOverride(item);
    const auto* incarnation = item.Find(kIncarnation);
    if (!decoded || incarnation == nullptr || decoded->flag_created_at != created_at) continue;
    removals.emplace_back(store::Delete{
        .key = store::KeyOf(item), .condition = store::Condition::Equals(std::string(kIncarnation), *incarnation)});
  }
  return removals;
}

base::Status Remove(store::Table& table, const std::vector<store::TransactionOperation>& removals) {
  const std::span all(removals);
  for (std::size_t from = 0; from < all.size(); from += store::kTransactionItemsMax) {
    const auto part = all.subspan(from, std::min(store::kTransactionItemsMax, all.size() - from));
    GUIDON_ASSIGN(const auto result, table.Transact(part));
    if (result.committed) continue;
    for (const auto& removal : part) GUIDON_TRY(table.DeleteItem(std::get<store::Delete>(removal)));
  }
  return {};
}

base::Status RemoveAll(store::Table& table, const model::Environment& env, const model::FlagKey& flag,
                       base::Timestamp flag_created_at) {
  store::Query query{.partition = store::FlagPartition(env, flag),
                     .sort = store::SortKeyBeginsWith{std::string(store::kOverrideSortPrefix)},
                     .limit = store::kQueryLimitMax,
                     .consistency = store::Consistency::kStrong};
  for (std::size_t seen = 0; seen < kCleanupOverridesMax;) {
    GUIDON_ASSIGN(auto page, table.RunQuery(query));
    GUIDON_TRY(Remove(table, Removals(page.items, flag_created_at)));
    if (!page.next) return {};
    seen += page.items.size();
    query.start_after = std::move(page.next);
  }
  base::Log(base::LogLevel::kInfo, "A deleted flag had more overrides than are removed at once; the rest takes room.",
            {{"environment", env.str()}, {"flagKey", flag.str()}});
  return {};
}

}  // namespace

void RemoveOverridesOf(store::Table& table, const model::Environment& env, const model::FlagKey& flag,
                       base::Timestamp flag_created_at) {
  const base::Status status = RemoveAll(table, env, flag, flag_created_at);
  if (!status)
    base::Log(base::LogLevel::kWarn, "Overrides of a deleted flag could not be removed; they take room and no effect.",
              {{"environment", env.str()}, {"flagKey", flag.str()}, {"error", status.error().message}});
}

}  // namespace guidon::app
