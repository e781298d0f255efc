// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/usage.hpp"

#include <gtest/gtest.h>

#include "guidon/store/keys.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

base::Timestamp Time(std::string_view text) { return *base::ParseTimestamp(text); }

UsageRecord Sample() {
  return {.environment = "production",
          .flag_key = "checkout",
          .hour = Time("2026-11-23T15:00:00Z"),
          .part = "n1-1",
          .evaluations = {{"acme", {{"on", 12}, {"off", 3}}}, {"", {{"", 4}}}, {"*", {{"on", 1}}}},
          .bulk = {{"acme", {{"on", 7}}}}};
}

std::uint64_t SumOf(const UsageByTenant& usage) {
  std::uint64_t sum = 0;
  for (const auto& [tenant, variations] : usage) {
    for (const auto& [variation, count] : variations) sum += count;
  }
  return sum;
}

TEST(UsageTest, AnItemIsReadAsItWasWritten) {
  const Item item = EncodeUsage(Sample());
  EXPECT_EQ(*item.Find("PK")->AsString(), "USAGE#production#checkout");
  EXPECT_EQ(*item.Find("SK")->AsString(), "HOUR#2026-11-23T15:00:00.000Z#n1-1");
  EXPECT_EQ(item.Find("ttl")->AsNumber()->AsInt64(),
            (Time("2026-11-23T15:00:00Z") + kUsageRetention).time_since_epoch().count() / 1000);
  EXPECT_TRUE(ValidateItem(item).has_value());
  const auto read = DecodeUsage(item);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(*read, Sample());
}

TEST(UsageTest, TenantsWithTheFewestEvaluationsAreCountedTogether) {
  UsageRecord record = Sample();
  record.evaluations.clear();
  for (std::uint64_t i = 0; i < 5 * kUsageTenantsStoredMax; ++i)
    record.evaluations["tenant-" + std::to_string(i)] = {{"on", i + 1}};
  const std::uint64_t before = SumOf(record.evaluations);
  const auto read = DecodeUsage(EncodeUsage(record));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->evaluations.size(), kUsageTenantsStoredMax);
  EXPECT_EQ(SumOf(read->evaluations), before);
  EXPECT_TRUE(read->evaluations.contains("tenant-999"));
  EXPECT_FALSE(read->evaluations.contains("tenant-0"));
  EXPECT_TRUE(read->evaluations.contains(kOtherTenants));
}

TEST(UsageTest, ItemsThatContradictThemselvesAreRefused) {
  Item item = EncodeUsage(Sample());
  item.Set("hour", "2026-11-23T16:00:00.000Z");
  EXPECT_EQ(DecodeUsage(item).error().field, "hour");
  item = EncodeUsage(Sample());
  item.Set("bulk", AttributeMap{{"acme", AttributeMap{{"on", Number{"-1"}}}}});
  EXPECT_EQ(DecodeUsage(item).error().field, "bulk");
  item.Set("bulk", AttributeMap{{"acme", "seven"}});
  EXPECT_EQ(DecodeUsage(item).error().field, "bulk");
}

TEST(UsageTest, TheLastUseLeavesAloneWhatItDoesNotKnow) {
  const auto env = *model::Environment::Parse("production");
  const auto flag = *model::FlagKey::Parse("checkout");
  const Update update = TouchLastUsage(env, flag, {.flag_key = "checkout", .bulk_at = Time("2026-11-23T15:00:00Z")});
  EXPECT_EQ(update.key, LastUsageItemKey(env, flag));
  EXPECT_TRUE(update.remove.empty());
  for (const auto& [name, value] : update.set) EXPECT_NE(name, "lastEvaluatedAt");
  Item item;
  item.Set("PK", update.key.pk);
  item.Set("SK", update.key.sk);
  for (const auto& [name, value] : update.set) item.Set(name, value);
  const auto read = DecodeLastUsage(item, env);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->flag_key, "checkout");
  EXPECT_EQ(read->bulk_at, Time("2026-11-23T15:00:00Z"));
  EXPECT_FALSE(read->evaluated_at);
  EXPECT_FALSE(DecodeLastUsage(item, *model::Environment::Parse("staging")).has_value());
}

}  // namespace
}  // namespace guidon::store
