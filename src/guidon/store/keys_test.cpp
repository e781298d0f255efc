// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/keys.hpp"

#include <limits>

#include <gtest/gtest.h>

// Every key of spec 2, letter by letter: other programs read and write the same table.
namespace guidon::store {
namespace {

const auto kEnv = *model::Environment::Parse("production");
const auto kFlag = *model::FlagKey::Parse("new-checkout");
const auto kTenant = *model::TenantId::Parse("acme");
const auto kOwner = *model::Owner::Parse("team-payments");
const auto kSegment = *model::SegmentKey::Parse("beta.testers");
const auto kKeyId = *model::KeyId::Parse("abcdefgh12345678");
const base::Timestamp kAt = *base::ParseTimestamp("2026-11-22T04:23:00.123Z");

void ExpectKey(const Key& key, std::string_view pk, std::string_view sk) {
  EXPECT_EQ(key.pk, pk);
  EXPECT_EQ(key.sk, sk);
}

void ExpectIndexKey(const IndexKey& key, std::string_view partition, std::string_view sort) {
  EXPECT_EQ(key.partition, partition);
  EXPECT_EQ(key.sort, sort);
}

model::KillScope Scope(std::string_view text) { return *model::KillScope::Parse(text); }

TEST(KeysTest, FlagWithOverridesAndEvaluations) {
  ExpectKey(FlagItemKey(kEnv, kFlag), "FLAG#production#new-checkout", "METADATA");
  ExpectKey(OverrideItemKey(kEnv, kFlag, kTenant), "FLAG#production#new-checkout", "OVERRIDE#acme");
  ExpectKey(EvaluationLogItemKey(kEnv, kFlag, kAt, kTenant), "FLAG#production#new-checkout",
            "EVAL#2026-11-22T04:23:00.123Z#acme");
  EXPECT_EQ(FlagPartition(kEnv, kFlag), "FLAG#production#new-checkout");
}

TEST(KeysTest, OtherEntities) {
  ExpectKey(SegmentItemKey(kEnv, kSegment), "SEGMENT#production#beta.testers", "METADATA");
  ExpectKey(TenantItemKey(kTenant), "TENANT#acme", "METADATA");
  ExpectKey(ApiKeyItemKey(kKeyId), "APIKEY#abcdefgh12345678", "METADATA");
}

TEST(KeysTest, KillSwitches) {
  ExpectKey(KillSwitchItemKey(kEnv, Scope("global")), "EMERGENCY#production", "GLOBAL");
  ExpectKey(KillSwitchItemKey(kEnv, Scope("flag:new-checkout")), "EMERGENCY#production", "FLAG#new-checkout");
  ExpectKey(KillSwitchItemKey(kEnv, Scope("tenant:acme")), "EMERGENCY#production", "TENANT#acme");
  ExpectKey(KillSwitchItemKey(kEnv, Scope("owner:team-payments")), "EMERGENCY#production", "OWNER#team-payments");
}

TEST(KeysTest, AuditAndChangeLog) {
  ExpectKey(AuditItemKey(kAt, 3, "req-1"), "AUDIT#2026-11-22#3", "2026-11-22T04:23:00.123Z#req-1");
  ExpectKey(ChangeItemKey("production", 42), "CHANGES#production", "00000000000000000042");
  ExpectKey(ChangeHeadKey("production"), "CHANGES#production", "HEAD");
  ExpectKey(ChangeHeadKey(kSystemScope), "CHANGES#_system", "HEAD");
  EXPECT_EQ(AuditResourcePartition("production", "new-checkout"), "AUDIT#RESOURCE#production#new-checkout");
  EXPECT_EQ(AuditActorPartition("abcdefgh12345678"), "ACTOR#abcdefgh12345678");
}

TEST(KeysTest, SequenceNumbersSortAsNumbersAndBelowTheHead) {
  EXPECT_EQ(SequenceText(0), "00000000000000000000");
  EXPECT_EQ(SequenceText(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_LT(SequenceText(9), SequenceText(10));
  EXPECT_LT(SequenceText(std::numeric_limits<std::uint64_t>::max()), ChangeHeadKey("production").sk);
}

TEST(KeysTest, NodesAreOnePartition) { ExpectKey(NodeItemKey("web-1-4f2a9c"), "NODES", "web-1-4f2a9c"); }

TEST(KeysTest, IdempotencyKeysOfAnyTextStayApart) {
  ExpectKey(IdempotencyItemKey("local", "a"), "IDEMPOTENCY#local#YQ", "METADATA");
  ExpectKey(IdempotencyItemKey("local", "x#y \n\xff"), "IDEMPOTENCY#local#eCN5IAr_", "METADATA");
  EXPECT_NE(IdempotencyItemKey("a", "b").pk, IdempotencyItemKey("a", "B").pk);
}

TEST(KeysTest, IndexPartitions) {
  EXPECT_EQ(FlagsIndexPartition(kEnv), "FLAGS#production");
  EXPECT_EQ(OwnerIndexPartition(kEnv, kOwner), "OWNER#production#team-payments");
  EXPECT_EQ(TenantIndexPartition(kTenant), "TENANT#acme");
  EXPECT_EQ(SegmentsIndexPartition(kEnv), "SEGMENTS#production");
  EXPECT_EQ(EvaluationsIndexPartition(kEnv, "2026-11-22"), "EVALS#production#2026-11-22");
  EXPECT_EQ(AbTestsIndexPartition(kEnv), "ABTESTS#production");
  EXPECT_EQ(UserIndexPartition("user-1"), "USER#user-1");
  EXPECT_EQ(KillSwitchPartition(kEnv), "EMERGENCY#production");
  EXPECT_EQ(ChangesPartition("production"), "CHANGES#production");
  EXPECT_EQ(AuditPartition("2026-11-22", 0), "AUDIT#2026-11-22#0");
  EXPECT_EQ(kTenantsIndexPartition, "TENANTS");
  EXPECT_EQ(kApiKeysIndexPartition, "APIKEYS");
}

TEST(KeysTest, IndexKeys) {
  constexpr std::string_view kCreated = "METADATA#2026-11-22T04:23:00.123Z";
  ExpectIndexKey(FlagByCreation(kEnv, kAt), "FLAGS#production", kCreated);
  ExpectIndexKey(FlagByOwner(kEnv, kOwner, kFlag), "OWNER#production#team-payments", "FLAG#new-checkout");
  ExpectIndexKey(FlagByTenant(kTenant, kEnv, kFlag), "TENANT#acme", "FLAG#production#new-checkout");
  ExpectIndexKey(OverrideByTenant(kTenant, kEnv, kFlag), "TENANT#acme", "OVERRIDE#production#new-checkout");
  ExpectIndexKey(SegmentByCreation(kEnv, kAt), "SEGMENTS#production", kCreated);
  ExpectIndexKey(TenantByCreation(kAt), "TENANTS", kCreated);
  ExpectIndexKey(ApiKeyByCreation(kAt), "APIKEYS", kCreated);
  ExpectIndexKey(ApiKeyByTenant(kTenant, kKeyId), "TENANT#acme", "APIKEY#abcdefgh12345678");
  ExpectIndexKey(AuditByTenant("acme", kAt), "TENANT#acme", "AUDIT#2026-11-22T04:23:00.123Z");
}

TEST(KeysTest, PrefixesEndWhereTheIdEnds) {
  EXPECT_EQ(FlagKeyPrefix(kEnv), "FLAG#production#");
  EXPECT_EQ(TenantOverridesSortPrefix(kEnv), "OVERRIDE#production#");
  EXPECT_FALSE(FlagItemKey(*model::Environment::Parse("production-2"), kFlag).pk.starts_with(FlagKeyPrefix(kEnv)));
}

}  // namespace
}  // namespace guidon::store
