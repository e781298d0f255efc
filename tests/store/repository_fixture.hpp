// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/base/clock.hpp"
#include "guidon/store/codec.hpp"
#include "guidon/store/metered_table.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/store_memory/memory_table.hpp"

// What the repository tests share: a table in memory with a clock that stands still, and short ways to make things.
namespace guidon::store {

inline base::Timestamp At(std::string_view text) { return *base::ParseTimestamp(text); }
inline model::Environment Env(std::string_view text) { return *model::Environment::Parse(text); }
inline model::FlagKey FlagKeyOf(std::string_view text) { return *model::FlagKey::Parse(text); }
inline model::TenantId TenantOf(std::string_view text) { return *model::TenantId::Parse(text); }
inline model::Owner OwnerOf(std::string_view text) { return *model::Owner::Parse(text); }

inline const base::Timestamp kNow = At("2026-11-22T04:23:00.000Z");

template <class T>
void ExpectError(const base::Result<T>& result, base::ErrorCode code, std::string_view field) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(base::Name(result.error().code), base::Name(code)) << result.error().message;
  EXPECT_EQ(result.error().field, field) << result.error().message;
}

class RepositoryTest : public ::testing::Test {
 protected:
  struct FlagSpec {
    std::string key;
    std::string env = "production";
    std::optional<std::string> tenant = std::nullopt;
    std::string owner = "ops";
    base::Timestamp created_at = kNow;
    std::uint64_t version = 1;
  };

  static model::Flag MakeFlag(const FlagSpec& spec) {
    return *model::Flag::Create({.flag_key = spec.key,
                                 .environment = spec.env,
                                 .owner = spec.owner,
                                 .tenant_id = spec.tenant,
                                 .default_enabled = true,
                                 .version = spec.version,
                                 .created_at = spec.created_at,
                                 .updated_at = spec.created_at});
  }

  static model::Override MakeOverride(std::string flag, std::string tenant, std::string env = "production",
                                      std::uint64_t version = 1) {
    return *model::Override::Create({.environment = std::move(env),
                                     .flag_key = std::move(flag),
                                     .tenant_id = std::move(tenant),
                                     .variation = "off",
                                     .version = version,
                                     .updated_at = kNow});
  }

  model::Flag Save(const FlagSpec& spec) {
    const model::Flag flag = MakeFlag(spec);
    Save(EncodeFlag(flag));
    return flag;
  }
  void Save(Item item) {
    const auto result = memory_.PutItem({.item = std::move(item)});
    ASSERT_TRUE(result.has_value()) << result.error().message;
  }
  std::optional<Item> Load(const Key& key) { return memory_.Get(key, Consistency::kStrong)->item; }

  // True where the write happened.
  bool Write(const Put& put) {
    const auto result = memory_.PutItem(put);
    EXPECT_TRUE(result.has_value()) << result.error().message;
    return result && result->applied;
  }
  bool Write(const Delete& del) {
    const auto result = memory_.DeleteItem(del);
    EXPECT_TRUE(result.has_value()) << result.error().message;
    return result && result->applied;
  }

  // All pages of `list(page)`, one after the other, `limit` at a time.
  template <class List>
  static auto All(const List& list, std::size_t limit = 100) {
    auto page = list(PageRequest{.limit = limit});
    EXPECT_TRUE(page.has_value()) << page.error().message;
    auto items = std::move(page->items);
    while (page && page->next_cursor) {
      EXPECT_LE(page->items.size(), limit);
      page = list(PageRequest{.limit = limit, .cursor = *page->next_cursor});
      EXPECT_TRUE(page.has_value()) << page.error().message;
      if (page) std::ranges::move(page->items, std::back_inserter(items));
    }
    return items;
  }

  static std::string KeyOf(const StoredFlag& flag) {
    const auto* readable = std::get_if<model::Flag>(&flag);
    return readable != nullptr ? (*readable)->flag_key : "unreadable " + std::get<UnreadableFlag>(flag).flag_key;
  }
  static std::vector<std::string> KeysOf(const std::vector<StoredFlag>& flags) {
    std::vector<std::string> keys;
    for (const auto& flag : flags) keys.push_back(KeyOf(flag));
    return keys;
  }

  std::uint64_t Queries() const { return table_.FiguresOf(TableOperation::kQuery).calls; }

  base::ManualClock clock_{kNow};
  store_memory::MemoryTable memory_{clock_};
  MeteredTable table_{memory_};
  Repository repository_{table_};
};

}  // namespace guidon::store
