// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/model/ids.hpp"
#include "guidon/store/attribute.hpp"
#include "guidon/store/table.hpp"

// How often flags were evaluated: one item a flag, hour and counting process, written whole again and again until the
// hour is over, so that writing one twice counts nothing twice. Never one write an evaluation (docs/adr/0020-usage.md).
namespace guidon::store {

inline constexpr std::chrono::hours kUsageRetention{24 * 90};
inline constexpr std::chrono::hours kLastUsageRetention{24 * 400};
// Of these an item names its tenants, those with the most evaluations; the others are counted together. Keeps an item
// of a flag with ten variations below 100 KB.
inline constexpr std::size_t kUsageTenantsStoredMax = 200;

// By name of the variation; "" where an answer had none (the caller's own default, an error).
using UsageByVariation = std::map<std::string, std::uint64_t, std::less<>>;
// By tenant; "" where the context named none, kOtherTenants for those that are not told apart.
using UsageByTenant = std::map<std::string, UsageByVariation, std::less<>>;
inline constexpr std::string_view kOtherTenants = "*";  // no tenant's id

struct UsageRecord {
  std::string environment;
  std::string flag_key;
  base::Timestamp hour = {};       // its beginning
  std::string part;                // who counted: different for any two that count the same hour
  UsageByTenant evaluations = {};  // asked for by name, or reported by a client that evaluates itself
  UsageByTenant bulk = {};         // in answers for all flags of a context
  friend bool operator==(const UsageRecord&, const UsageRecord&) = default;
};

// When a flag was last of use, to the hour.
struct LastUsage {
  std::string flag_key;
  std::optional<base::Timestamp> evaluated_at = std::nullopt;
  std::optional<base::Timestamp> bulk_at = std::nullopt;
  friend bool operator==(const LastUsage&, const LastUsage&) = default;
};

base::Timestamp HourOf(base::Timestamp time);

Item EncodeUsage(const UsageRecord& record);
base::Result<UsageRecord> DecodeUsage(const Item& item);
base::Result<LastUsage> DecodeLastUsage(const Item& item, const model::Environment& env);
// Sets what `last` knows and leaves the rest as it is: several processes write here.
Update TouchLastUsage(const model::Environment& env, const model::FlagKey& flag, const LastUsage& last);

}  // namespace guidon::store
