// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/texts.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/eval/evaluator.hpp"

namespace guidon::client {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kWhole = R"({"environment":"dev","complete":true,
  "killSwitches":[],"brokenSegments":[],"brokenFlags":[],
  "segments":[{"segmentKey":"staff","included":["u1"]}],
  "flags":[
    {"flagKey":"base","owner":"o","defaultEnabled":true},
    {"flagKey":"shared","owner":"o","prerequisites":[{"flagKey":"base","variations":["on"]}],
     "targetingRules":[{"id":"r","when":{"all":[{"operator":"inSegment","values":["staff"]}]},"variation":"on"}]},
    {"flagKey":"odd","owner":"o","defaultEnabled":true}],
  "overrides":[{"flagKey":"shared","tenantId":"acme","variation":"on"}],
  "eventStreams":[{"type":"sse","endpoint":{"requestUri":"/events?token=t"}}]})";

std::string AnswerOf(const eval::Snapshot& snapshot, std::string_view flag, std::string_view user,
                     std::string_view tenant = "") {
  model::Context::Fields fields{.targeting_key = std::string(user)};
  if (!tenant.empty()) fields.tenant_id = std::string(tenant);
  const auto answer = eval::Evaluate(snapshot, flag, *model::Context::Create(std::move(fields)), {});
  return std::string(answer.variation == nullptr ? "-" : answer.variation->name) + ' ' +
         std::string(model::NameOf(answer.reason)) + std::string(model::NameOf(answer.error));
}

class TextsTest : public ::testing::Test {
 protected:
  TextsTest() { snapshot_ = Take(kWhole, "\"1\"").snapshot; }
  Applied Take(std::string_view body, std::string etag = "\"2\"") {
    auto applied = ApplyAnswer(body, std::move(etag), texts_, snapshot_.get());
    EXPECT_TRUE(applied.has_value()) << applied.error().field << ' ' << applied.error().message;
    if (!applied) return {};
    snapshot_ = applied->snapshot;
    return *std::move(applied);
  }
  // The same from scratch, and flag by flag.
  void ExpectAgreement() {
    const auto rebuilt = CompileAll(texts_, nullptr);
    for (const char* flag : {"base", "shared", "odd", "new", "missing"}) {
      const auto one = CompileOne(texts_, flag);
      for (const char* user : {"u1", "u2"}) {
        for (const char* tenant : {"", "acme", "globex"}) {
          EXPECT_EQ(AnswerOf(*snapshot_, flag, user, tenant), AnswerOf(*rebuilt, flag, user, tenant)) << flag;
          EXPECT_EQ(AnswerOf(*snapshot_, flag, user, tenant), AnswerOf(*one, flag, user, tenant)) << flag;
        }
      }
    }
  }
  Texts texts_;
  std::shared_ptr<const eval::Snapshot> snapshot_;
};

TEST_F(TextsTest, AWholeAnswerIsServed) {
  EXPECT_EQ(texts_.etag, "\"1\"");
  EXPECT_EQ(AnswerOf(*snapshot_, "shared", "u1"), "on TARGETING_MATCH");
  EXPECT_EQ(AnswerOf(*snapshot_, "shared", "u2"), "off DEFAULT");
  EXPECT_EQ(AnswerOf(*snapshot_, "shared", "u2", "acme"), "on TARGETING_MATCH");
  ExpectAgreement();
}

TEST_F(TextsTest, ChangesAreAppliedAndNamed) {
  const Applied applied = Take(R"({"environment":"dev","complete":false,
    "removed":{"flags":["odd"],"segments":[],"overrides":[{"flagKey":"shared","tenantId":"acme"}]},
    "killSwitches":[],"segments":[],"flags":[{"flagKey":"new","owner":"o","defaultEnabled":true}],
    "overrides":[{"flagKey":"base","tenantId":"globex","variation":"off"}],"eventStreams":[]})");
  EXPECT_FALSE(applied.whole);
  EXPECT_FALSE(applied.surroundings);
  EXPECT_THAT(applied.flags, ElementsAre("base", "new", "odd", "shared"));
  EXPECT_EQ(AnswerOf(*snapshot_, "odd", "u1"), "- ERRORFLAG_NOT_FOUND");
  EXPECT_EQ(AnswerOf(*snapshot_, "shared", "u2", "acme"), "off DEFAULT");
  EXPECT_EQ(AnswerOf(*snapshot_, "base", "u1", "globex"), "off TARGETING_MATCH");
  ExpectAgreement();
}

TEST_F(TextsTest, KillSwitchesAreAlwaysWhole) {
  EXPECT_TRUE(Take(R"({"environment":"dev","complete":false,"killSwitches":[{"scope":"flag:base","reason":"r"}]})")
                  .surroundings);
  EXPECT_EQ(AnswerOf(*snapshot_, "base", "u1"), "off DISABLED");
  ExpectAgreement();
  EXPECT_FALSE(Take(R"({"environment":"dev","complete":false,"killSwitches":[{"scope":"flag:base","reason":"r"}]})")
                   .surroundings);
  EXPECT_TRUE(Take(R"({"environment":"dev","complete":false,"killSwitches":[]})").surroundings);
  EXPECT_EQ(AnswerOf(*snapshot_, "base", "u1"), "on STATIC");
  ExpectAgreement();
}

TEST_F(TextsTest, WhatCannotBeReadKeepsItsLastGoodDefinition) {
  Take(R"({"environment":"dev","complete":false,"killSwitches":[],
    "flags":[{"flagKey":"odd","owner":"o","fromTheFuture":1}],"brokenFlags":[{"flagKey":"base"}]})");
  EXPECT_EQ(AnswerOf(*snapshot_, "odd", "u1"), "on STALE");
  EXPECT_EQ(AnswerOf(*snapshot_, "base", "u1"), "on STALE");
  ExpectAgreement();
  std::string whole(kWhole);
  constexpr std::string_view kNone = R"("brokenFlags":[])";
  whole.replace(whole.find(kNone), kNone.size(), R"("brokenFlags":[{"flagKey":"never-seen"}])");
  constexpr std::string_view kOdd = R"({"flagKey":"odd","owner":"o","defaultEnabled":true})";
  whole.replace(whole.find(kOdd), kOdd.size(), R"({"flagKey":"odd","x":1})");
  Take(whole, "\"3\"");
  EXPECT_EQ(AnswerOf(*snapshot_, "odd", "u1"), "on STALE");
  EXPECT_EQ(AnswerOf(*snapshot_, "base", "u1"), "on STATIC");
  EXPECT_EQ(AnswerOf(*snapshot_, "never-seen", "u1"), "- ERRORPARSE_ERROR");
  ExpectAgreement();
}

TEST_F(TextsTest, WhatIsNoAnswerChangesNothing) {
  for (const char* body : {"", "[]", "{}", R"({"environment":"other","complete":true})",
                           R"({"environment":"dev","flags":{}})", R"({"environment":"dev","flags":[1]})",
                           R"({"environment":"dev","complete":false,"killSwitches":[{"scope":"moon","reason":"r"}]})",
                           R"({"environment":"dev","complete":false,"removed":{"flags":[1]}})"}) {
    EXPECT_FALSE(ApplyAnswer(body, "\"9\"", texts_, snapshot_.get()).has_value()) << body;
    EXPECT_EQ(texts_.etag, "\"1\"");
    EXPECT_EQ(texts_.flags.size(), 3U);
  }
  Texts nothing;
  EXPECT_FALSE(ApplyAnswer(R"({"environment":"dev","complete":false})", "", nothing, nullptr).has_value());
}

TEST_F(TextsTest, DocumentsThatPeopleWriteAreTaken) {
  Take(R"({"environment":"dev","sequence":7,"flags":[{"flagKey":"base","owner":"o"}],
           "overrides":[{"flagKey":"base","tenantId":"acme","enabled":true}]})");
  EXPECT_EQ(AnswerOf(*snapshot_, "base", "u1", "acme"), "on TARGETING_MATCH");
}

}  // namespace
}  // namespace guidon::client
