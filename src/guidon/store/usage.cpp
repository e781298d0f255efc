// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/usage.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>
#include <vector>

#include "guidon/store/codec.hpp"
#include "guidon/store/item_fields.hpp"
#include "guidon/store/item_reader.hpp"
#include "guidon/store/keys.hpp"

namespace guidon::store {
namespace {

using base::Result;

// DynamoDB's maps have no empty keys; ids begin with a letter or digit.
constexpr std::string_view kNone = "-";

std::string NameIn(const std::string& name) { return name.empty() ? std::string(kNone) : name; }
std::string NameOut(const std::string& name) { return name == kNone ? std::string() : name; }

std::uint64_t Total(const UsageByVariation& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
}

// Tenants with the fewest evaluations become one.
UsageByTenant Reduced(UsageByTenant usage) {
  if (usage.size() <= kUsageTenantsStoredMax) return usage;
  std::vector<std::pair<std::uint64_t, std::string>> order;
  for (const auto& [tenant, counts] : usage) {
    if (tenant != kOtherTenants) order.emplace_back(Total(counts), tenant);
  }
  std::ranges::sort(order, std::greater{});
  for (std::size_t i = kUsageTenantsStoredMax - 1; i < order.size(); ++i) {
    const auto small = usage.find(order[i].second);
    UsageByVariation& others = usage[std::string(kOtherTenants)];
    for (const auto& [variation, count] : small->second) others[variation] += count;
    usage.erase(small);
  }
  return usage;
}

AttributeMap EncodeCounts(const UsageByTenant& usage) {
  std::vector<AttributeMap::Entry> tenants;
  for (const auto& [tenant, counts] : Reduced(usage)) {
    std::vector<AttributeMap::Entry> variations;
    for (const auto& [variation, count] : counts)
      variations.emplace_back(NameIn(variation), Number::From(static_cast<std::int64_t>(count)));
    tenants.emplace_back(NameIn(tenant), AttributeMap::FromEntries(std::move(variations)));
  }
  return AttributeMap::FromEntries(std::move(tenants));
}

UsageByTenant DecodeCounts(ItemReader& in, std::string_view attribute) {
  UsageByTenant usage;
  const AttributeMap* tenants = in.Map(attribute);
  if (tenants == nullptr) return usage;
  for (const auto& [tenant, value] : *tenants) {
    const AttributeMap* variations = value.AsMap();
    if (variations == nullptr) {
      in.Problem(attribute, "must hold a map of counts for each tenant");
      return {};
    }
    for (const auto& [variation, number] : *variations) {
      const Number* count = number.AsNumber();
      const auto whole = count != nullptr ? count->AsInt64() : std::nullopt;
      if (!whole || *whole < 0) {
        in.Problem(attribute, "a count must be a whole number from 0 on");
        return {};
      }
      usage[NameOut(tenant)][NameOut(variation)] += static_cast<std::uint64_t>(*whole);
    }
  }
  return usage;
}

}  // namespace

base::Timestamp HourOf(base::Timestamp time) { return std::chrono::floor<std::chrono::hours>(time); }

Item EncodeUsage(const UsageRecord& record) {
  ItemBuilder item;
  SetKey(item, UsageItemKey(*model::Environment::Parse(record.environment), *model::FlagKey::Parse(record.flag_key),
                            record.hour, record.part));
  item.Set("environment", record.environment);
  item.Set("flagKey", record.flag_key);
  item.Set("hour", base::FormatTimestamp(record.hour));
  if (!record.evaluations.empty()) item.Set("evaluations", EncodeCounts(record.evaluations));
  if (!record.bulk.empty()) item.Set("bulk", EncodeCounts(record.bulk));
  SetTtl(item, record.hour + kUsageRetention);
  return std::move(item).Done();
}

Result<UsageRecord> DecodeUsage(const Item& item) {
  ItemReader in(item);
  const auto flag = in.KeyParts("PK", "USAGE", 2);
  const auto entry = in.KeyParts("SK", "HOUR", 2);
  UsageRecord record{.environment = in.SameText("environment", flag[0]),
                     .flag_key = in.SameText("flagKey", flag[1]),
                     .hour = in.Time("hour"),
                     .part = entry[1],
                     .evaluations = DecodeCounts(in, "evaluations"),
                     .bulk = DecodeCounts(in, "bulk")};
  if (entry[0] != base::FormatTimestamp(record.hour)) in.Problem("hour", "contradicts the key of the item");
  return in.Finish([&] { return Result<UsageRecord>(std::move(record)); });
}

Result<LastUsage> DecodeLastUsage(const Item& item, const model::Environment& env) {
  ItemReader in(item);
  const auto flag = in.KeyParts("PK", "USAGE", 2);
  in.ExpectKey("SK", kLastUsageSort);
  if (flag[0] != env.str()) in.Problem("PK", "belongs to another environment");
  LastUsage last{.flag_key = in.SameText("flagKey", flag[1]),
                 .evaluated_at = in.OptionalTime("lastEvaluatedAt"),
                 .bulk_at = in.OptionalTime("lastInBulkAt")};
  return in.Finish([&] { return Result<LastUsage>(std::move(last)); });
}

Update TouchLastUsage(const model::Environment& env, const model::FlagKey& flag, const LastUsage& last) {
  const IndexKey index = LastUsageByFlag(env, flag);
  const IndexAttributes names = AttributesOf(Index::kGsi1Flags);
  Update update{.key = LastUsageItemKey(env, flag),
                .set = {{std::string(names.partition), index.partition},
                        {std::string(names.sort), index.sort},
                        {"environment", env.str()},
                        {"flagKey", flag.str()}}};
  base::Timestamp newest = {};
  for (const auto& [name, time] : {std::pair{"lastEvaluatedAt", last.evaluated_at}, {"lastInBulkAt", last.bulk_at}}) {
    if (!time) continue;
    update.set.emplace_back(name, base::FormatTimestamp(*time));
    newest = std::max(newest, *time);
  }
  const auto expiry = std::chrono::floor<std::chrono::seconds>(newest + kLastUsageRetention);
  update.set.emplace_back("ttl", Number::From(expiry.time_since_epoch().count()));
  return update;
}

}  // namespace guidon::store
