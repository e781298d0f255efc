// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_dynamodb/requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/json/json.hpp"
#include "guidon/store_dynamodb/effects.hpp"
#include "guidon/store_dynamodb/refusal.hpp"

namespace guidon::store_dynamodb {
namespace {

using store::Condition;
using store::Item;
using store::Number;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNow = 1'795'321'380;

// The text with each placeholder as what it stands for, so that a test reads as the expression does.
std::string Resolved(const std::string& body, std::string_view member) {
  const auto document = *json::Parse(body);
  const model::Object& request = *document.AsObject();
  if (request.Find(member) == nullptr) return "";
  std::string text = *request.Find(member)->AsString();
  const auto replace = [&](const model::Value* map, auto text_of) {
    if (map == nullptr) return;
    for (const auto& [token, value] : *map->AsObject()) {
      for (std::size_t at = 0; (at = text.find(token, at)) != std::string::npos;)
        text.replace(at, token.size(), text_of(value));
    }
  };
  replace(request.Find("ExpressionAttributeNames"), [](const model::Value& value) { return *value.AsString(); });
  replace(request.Find("ExpressionAttributeValues"), [](const model::Value& value) { return json::Write(value); });
  return text;
}

std::string ConditionOfPut(const Condition& condition) {
  return Resolved(WriteBody("t", store::Put{.item = {{"PK", "p"}, {"SK", "s"}}, .condition = condition}, kNow),
                  "ConditionExpression");
}

TEST(Requests, ConditionsTakeAnExpiredItemForNone) {
  const std::string expired = R"(ttl < {"N":"1795321380"})";
  EXPECT_EQ(ConditionOfPut(Condition::None()), "");
  EXPECT_EQ(ConditionOfPut(Condition::Absent()), "(attribute_not_exists(PK) OR " + expired + ")");
  EXPECT_EQ(ConditionOfPut(Condition::Present()), "attribute_exists(PK) AND (NOT " + expired + ")");
  EXPECT_EQ(ConditionOfPut(Condition::Equals("owner", "o")), R"(owner = {"S":"o"} AND (NOT )" + expired + ")");
  EXPECT_EQ(ConditionOfPut({.absent_attributes = {"version"}}), "(attribute_not_exists(version) OR " + expired + ")");
}

TEST(Requests, AnUpdateSetsRemovesAndMeetsNothingExpired) {
  const std::string body =
      WriteBody("t", store::Update{.key = {"p", "s"}, .set = {{"a", true}, {"b", "x"}}, .remove = {"c", "d"}}, kNow);
  EXPECT_EQ(Resolved(body, "UpdateExpression"), R"(SET a = {"BOOL":true}, b = {"S":"x"} REMOVE c, d)");
  EXPECT_EQ(Resolved(body, "ConditionExpression"), R"((NOT ttl < {"N":"1795321380"}))");
  EXPECT_THAT(body, HasSubstr(R"("Key":{"PK":{"S":"p"},"SK":{"S":"s"}})"));
  EXPECT_THAT(body, HasSubstr(R"("ReturnValuesOnConditionCheckFailure":"ALL_OLD")"));
}

TEST(Requests, ATransactionHoldsEachOperation) {
  const std::vector<store::TransactionOperation> operations = {
      store::Put{.item = {{"PK", "p"}, {"SK", "s"}}}, store::Update{.key = {"q", "s"}},
      store::Delete{.key = {"r", "s"}}, store::ConditionCheck{.key = {"c", "s"}}};
  const auto document = *json::Parse(TransactionBody("t", operations, "token", kNow));
  const model::Object& request = *document.AsObject();
  EXPECT_EQ(*request.Find("ClientRequestToken")->AsString(), "token");
  const model::List& items = *request.Find("TransactItems")->AsList();
  ASSERT_EQ(items.size(), 4U);
  const auto inner = [&](std::size_t i, std::string_view name) { return items[i].AsObject()->Find(name)->AsObject(); };
  EXPECT_EQ(inner(0, "Put")->Find("ConditionExpression"), nullptr);
  EXPECT_NE(inner(1, "Update")->Find("UpdateExpression"), nullptr);  // a transaction's update must say something
  EXPECT_EQ(*inner(2, "Delete")->Find("TableName")->AsString(), "t");
  EXPECT_NE(inner(3, "ConditionCheck")->Find("ConditionExpression"), nullptr);
}

TEST(Requests, AQuerySaysWhatItAsksFor) {
  store::Query query{.index = store::Index::kGsi2Owner,
                     .partition = "OWNER#dev#me",
                     .sort = store::SortKeyBetween{"a", "b"},
                     .forward = false,
                     .limit = 7,
                     .start_after = store::Position{{"p", "s"}, "OWNER#dev#me", "a1"},
                     .consistency = store::Consistency::kStrong};
  std::string body = QueryBody("t", query);
  EXPECT_EQ(Resolved(body, "KeyConditionExpression"),
            R"(GSI2PK = {"S":"OWNER#dev#me"} AND GSI2SK BETWEEN {"S":"a"} AND {"S":"b"})");
  EXPECT_THAT(body, HasSubstr(R"("IndexName":"GSI2-OWNER-INDEX")"));
  EXPECT_THAT(body, HasSubstr(R"("Limit":7,"ScanIndexForward":false)"));
  EXPECT_THAT(body, Not(HasSubstr("ConsistentRead")));  // an index has no strong reads
  EXPECT_THAT(body, HasSubstr(R"("ExclusiveStartKey":{"GSI2PK":{"S":"OWNER#dev#me"},"GSI2SK":{"S":"a1"},)"
                              R"("PK":{"S":"p"},"SK":{"S":"s"}})"));
  query = {.partition = "p", .sort = store::SortKeyGreater{"x"}, .consistency = store::Consistency::kStrong};
  body = QueryBody("t", query);
  EXPECT_EQ(Resolved(body, "KeyConditionExpression"), R"(PK = {"S":"p"} AND SK > {"S":"x"})");
  EXPECT_THAT(body, HasSubstr(R"("ConsistentRead":true)"));
}

TEST(Effects, TellWhatIsThere) {
  const Item ours{{"PK", "p"}, {"SK", "s"}, {"v", Number{"2"}}};
  const Item before{{"PK", "p"}, {"SK", "s"}, {"v", Number{"1"}}};
  const Item theirs{{"PK", "p"}, {"SK", "s"}, {"v", Number{"3"}}};
  const auto if_one = Condition::Equals("v", Number{"1"});
  const store::TransactionOperation put = store::Put{.item = ours, .condition = if_one};
  EXPECT_EQ(OutcomeOf(put, &ours), Outcome::kHappened);
  EXPECT_EQ(OutcomeOf(put, &before), Outcome::kNotYet);
  EXPECT_EQ(OutcomeOf(put, &theirs), Outcome::kUnclear);
  EXPECT_EQ(OutcomeOf(put, nullptr), Outcome::kUnclear);
  const store::TransactionOperation update =
      store::Update{.key = {"p", "s"}, .set = {{"v", Number{"2"}}}, .remove = {"x"}, .condition = if_one};
  EXPECT_EQ(OutcomeOf(update, &ours), Outcome::kHappened);
  Item with_x = ours;
  with_x.Set("x", true);
  EXPECT_EQ(OutcomeOf(update, &with_x), Outcome::kUnclear);
  EXPECT_EQ(OutcomeOf(update, &before), Outcome::kNotYet);
  const store::TransactionOperation del = store::Delete{.key = {"p", "s"}};
  EXPECT_EQ(OutcomeOf(del, nullptr), Outcome::kHappened);
  EXPECT_EQ(OutcomeOf(del, &ours), Outcome::kNotYet);
  // That it is gone does not say who deleted it.
  const store::TransactionOperation careful = store::Delete{.key = {"p", "s"}, .condition = if_one};
  EXPECT_EQ(OutcomeOf(careful, nullptr), Outcome::kUnclear);
}

TEST(Refusal, ReasonsHaveTheirCodes) {
  using Code = store::CancellationReason::Code;
  const auto reasons =
      ReasonsIn(R"({"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Item":{"PK":{"S":"p"}}},)"
                R"({"Code":"TransactionConflict"},{"Code":"ThrottlingError"},{"Code":"ProvisionedThroughputExceeded"},)"
                R"({"Code":"ValidationError","Message":"Item size to update has exceeded the maximum allowed size"},)"
                R"({"Code":"ItemCollectionSizeLimitExceeded"},{"Code":"ValidationError","Message":"type mismatch"}]})",
                8);
  ASSERT_TRUE(reasons.has_value());
  std::vector<Code> codes;
  for (const auto& reason : *reasons) codes.push_back(reason.code);
  EXPECT_THAT(codes, testing::ElementsAre(Code::kNone, Code::kConditionFailed, Code::kConflict, Code::kThrottled,
                                          Code::kThrottled, Code::kTooLarge, Code::kTooLarge, Code::kInvalid));
  EXPECT_EQ((*reasons)[1].existing, (Item{{"PK", "p"}}));
  EXPECT_FALSE(ReasonsIn(R"({"CancellationReasons":[]})", 1).has_value());
}

}  // namespace
}  // namespace guidon::store_dynamodb
