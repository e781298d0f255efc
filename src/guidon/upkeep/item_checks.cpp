// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/item_checks.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "guidon/store/codec.hpp"
#include "guidon/store/keys.hpp"
#include "guidon/store/table_rules.hpp"
#include "guidon/store/usage.hpp"

namespace guidon::upkeep {
namespace {

using base::Result;
using store::Item;

constexpr std::string_view kTtl = "ttl";
// What index keys and times to live are concluded from.
constexpr std::array<std::string_view, 9> kGrounds = {"version", "createdAt", "owner",    "tenantId", "flagCreatedAt",
                                                      "at",      "sequence",  "resource", "actorId"};

// The item as Guidon would write it; nothing where there is no encoder.
using Expected = Result<std::optional<Item>>;

template <class T, class Encode>
Expected Again(Result<T> decoded, const Encode& encode) {
  if (!decoded) return std::unexpected(std::move(decoded).error());
  return std::optional<Item>(encode(*decoded));
}

template <class T>
Expected OnlyReadable(const Result<T>& decoded) {
  if (!decoded) return std::unexpected(decoded.error());
  return std::optional<Item>{};
}

// The encoder takes ids that were checked; what another program wrote was not.
Expected UsageOf(const Item& item) {
  auto usage = store::DecodeUsage(item);
  if (!usage) return std::unexpected(std::move(usage).error());
  if (const auto env = model::Environment::Parse(usage->environment, "PK"); !env) return std::unexpected(env.error());
  if (const auto flag = model::FlagKey::Parse(usage->flag_key, "PK"); !flag) return std::unexpected(flag.error());
  return std::optional<Item>(store::EncodeUsage(*usage));
}

Expected LastUsageOf(const Item& item) {
  const std::string partition = store::KeyOf(item).pk;
  const std::size_t begin = partition.find('#') + 1;
  const auto env = model::Environment::Parse(partition.substr(begin, partition.find('#', begin) - begin));
  if (!env) return std::unexpected(env.error());
  return OnlyReadable(store::DecodeLastUsage(item, *env));
}

Expected ExpectedOf(const Item& item, Entity entity) {
  switch (entity) {
    case Entity::kFlag: return Again(store::DecodeFlag(item), store::EncodeFlag);
    case Entity::kOverride:
      return Again(store::DecodeOverride(item), [](const store::StoredOverride& stored) {
        return store::EncodeOverride(stored.override, stored.flag_created_at.value_or(base::Timestamp{}));
      });
    case Entity::kSegment: return Again(store::DecodeSegment(item), store::EncodeSegment);
    case Entity::kKillSwitch: return Again(store::DecodeKillSwitch(item), store::EncodeKillSwitch);
    case Entity::kTenant: return Again(store::DecodeTenant(item), store::EncodeTenant);
    case Entity::kApiKey: return Again(store::DecodeApiKey(item), store::EncodeApiKey);
    case Entity::kAudit: return Again(store::DecodeAudit(item), store::EncodeAudit);
    case Entity::kChange: return Again(store::DecodeChange(item), store::EncodeChange);
    case Entity::kIdempotency: return Again(store::DecodeIdempotency(item), store::EncodeIdempotency);
    case Entity::kUsage: return UsageOf(item);
    case Entity::kLastUsage: return LastUsageOf(item);
    case Entity::kNode: return OnlyReadable(store::DecodeNode(item));
    case Entity::kChangeHead:
      return Again(store::DecodeChangeHead(item), [&](const store::LogHead& head) {
        return store::EncodeChangeHead(store::KeyOf(item).pk.substr(store::ChangesPartition("").size()), head);
      });
    case Entity::kEvaluation: return OnlyReadable(store::DecodeEvaluation(item));
    case Entity::kAbTest: return OnlyReadable(store::DecodeAbTest(item));
    case Entity::kAbAssignment: return OnlyReadable(store::DecodeAbAssignment(item));
    case Entity::kSegmentKeys:
    case Entity::kSegmentWork:
    case Entity::kTransfer:
    case Entity::kOther: return std::optional<Item>{};
  }
  return std::optional<Item>{};
}

bool SameAttribute(const Item& a, const Item& b, std::string_view name) {
  const store::AttributeValue* one = a.Find(name);
  const store::AttributeValue* other = b.Find(name);
  return one == nullptr || other == nullptr ? one == other : *one == *other;
}

// Attributes of indexes that are not as they should be.
std::vector<std::string_view> WrongIndexKeys(const Item& item, const Item& expected) {
  std::vector<std::string_view> names;
  for (const store::Index index : store::kSecondaryIndexes) {
    const store::IndexAttributes attributes = store::AttributesOf(index);
    for (const std::string_view name : {attributes.partition, attributes.sort}) {
      if (!SameAttribute(item, expected, name)) names.push_back(name);
    }
  }
  return names;
}

bool HasTtlOfAnotherType(const Item& item) { return item.Find(kTtl) != nullptr && !store::ExpiryOf(item); }

Finding Found(Severity severity, std::string_view code, const Item& item, std::string message,
              bool repairable = false) {
  const store::Key key = store::KeyOf(item);
  return {.severity = severity,
          .code = std::string(code),
          .key = key,
          .entity = EntityOf(key),
          .message = std::move(message),
          .repairable = repairable};
}

Finding Unreadable(const Item& item, const base::Error& error) {
  const std::string why = error.field.empty() ? error.message : fmt::format("{}: {}", error.field, error.message);
  if (error.code == base::ErrorCode::kUnsupported)
    return Found(Severity::kAdvice, "newer", item,
                 fmt::format("was written by a newer Guidon, or uses what this one has "
                             "not ({})",
                             why));
  return Found(Severity::kProblem, "unreadable", item,
               fmt::format("cannot be read: {}; whoever wrote it has to write it again", why));
}

void CheckTtl(const Item& item, const std::optional<Item>& expected, std::vector<Finding>& out) {
  const bool wanted = expected && expected->Find(kTtl) != nullptr;
  if (HasTtlOfAnotherType(item))
    out.push_back(Found(Severity::kWarning, "ttl-type", item,
                        "its `ttl` is no whole number of epoch seconds, so it never expires", wanted));
  if (wanted && item.Find(kTtl) == nullptr)
    out.push_back(Found(Severity::kWarning, "ttl-missing", item, "it has no `ttl`, so it never expires", true));
  if (expected && !wanted && store::ExpiryOf(item))
    out.push_back(Found(Severity::kProblem, "ttl-forbidden", item,
                        "it has a `ttl`: DynamoDB deletes it when that has passed. Remove the attribute unless that is "
                        "what somebody wants"));
}

}  // namespace

std::string_view NameOf(Severity severity) {
  switch (severity) {
    case Severity::kAdvice: return "advice";
    case Severity::kWarning: return "warning";
    case Severity::kProblem: return "problem";
  }
  return "";
}

std::vector<Finding> CheckItem(const Item& item) {
  const Entity entity = EntityOf(store::KeyOf(item));
  std::vector<Finding> out;
  if (entity == Entity::kTransfer)
    out.push_back(Found(Severity::kProblem, "unfinished-transfer", item,
                        "a copy or an import into this store has not ended: it is not whole. Give the command again to "
                        "go on"));
  if (entity == Entity::kOther)
    out.push_back(Found(Severity::kAdvice, "unknown", item, "is nothing that Guidon knows"));
  const Expected expected = ExpectedOf(item, entity);
  if (!expected) {
    out.push_back(Unreadable(item, expected.error()));
    return out;
  }
  if (*expected) {
    const auto wrong = WrongIndexKeys(item, **expected);
    if (!wrong.empty())
      out.push_back(Found(Severity::kProblem, "index-keys", item,
                          fmt::format("its {} {} not what the item says, so lists (and with flags: nodes) do not find "
                                      "it where it belongs",
                                      fmt::join(wrong, ", "), wrong.size() == 1 ? "is" : "are"),
                          true));
  }
  CheckTtl(item, *expected, out);
  return out;
}

std::optional<Fix> FixFor(const Item& item) {
  const store::Key key = store::KeyOf(item);
  const Expected expected = ExpectedOf(item, EntityOf(key));
  if (!expected || !*expected) return std::nullopt;
  const Item& wanted = **expected;
  std::vector<std::string_view> names = WrongIndexKeys(item, wanted);
  if (wanted.Find(kTtl) != nullptr && !store::ExpiryOf(item)) names.push_back(kTtl);
  if (names.empty()) return std::nullopt;
  Fix fix{.update = {.key = key, .condition = store::Condition::Present()}, .what = {}};
  std::vector<std::string> removed;
  std::vector<std::string> set;
  for (const std::string_view name : names) {
    if (const store::AttributeValue* value = wanted.Find(name)) {
      fix.update.set.emplace_back(name, *value);
      set.emplace_back(name);
    } else {
      fix.update.remove.emplace_back(name);
      removed.emplace_back(name);
    }
  }
  std::vector<std::string_view> grounds(kGrounds.begin(), kGrounds.end());
  grounds.insert(grounds.end(), names.begin(), names.end());
  for (const std::string_view name : grounds) {
    if (const store::AttributeValue* value = item.Find(name)) {
      fix.update.condition.equals.push_back({.name = std::string(name), .value = *value});
    } else {
      fix.update.condition.absent_attributes.emplace_back(name);
    }
  }
  if (!set.empty()) fix.what = fmt::format("sets {}", fmt::join(set, ", "));
  if (!removed.empty()) fix.what += fmt::format("{}removes {}", set.empty() ? "" : ", ", fmt::join(removed, ", "));
  return fix;
}

}  // namespace guidon::upkeep
