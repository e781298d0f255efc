// SPDX-License-Identifier: Apache-2.0
#include "guidon/library/definitions_document.hpp"

#include <string>

#include <gtest/gtest.h>

#include "guidon/eval/evaluator.hpp"

namespace guidon::library {
namespace {

using base::ErrorCode;

constexpr std::string_view kDocument = R"({
  "environment": "production",
  "sequence": 7,
  "flags": [
    {"flagKey": "checkout", "owner": "team-shop", "defaultEnabled": true},
    {"flagKey": "colour", "owner": "team-shop", "type": "string", "variations": {"red": "#f00", "blue": "#00f"},
     "defaultVariation": "red", "offVariation": "blue", "defaultEnabled": true,
     "targetingRules": [{"id": "beta", "when": {"all": [{"operator": "inSegment", "values": ["beta"]}]},
                         "variation": "blue"}]}
  ],
  "segments": [{"segmentKey": "beta", "included": ["user-1"]}],
  "overrides": [{"flagKey": "checkout", "tenantId": "acme", "enabled": false},
                {"flagKey": "colour", "tenantId": "acme", "variation": "blue"}],
  "killSwitches": [{"scope": "tenant:globex", "reason": "searches fail"}]
})";

model::Context Who(std::string key, std::string tenant) {
  return *model::Context::Create({.targeting_key = std::move(key), .tenant_id = std::move(tenant), .attributes = {}});
}

std::string Served(const eval::Snapshot& snapshot, std::string_view flag, const model::Context& context) {
  const auto answer = eval::Evaluate(snapshot, flag, context, base::Timestamp{});
  return (answer.variation == nullptr ? "none" : answer.variation->name) + ' ' + std::string(NameOf(answer.reason));
}

TEST(Definitions, AreReadWhole) {
  auto definitions = ParseDefinitions(kDocument);
  ASSERT_TRUE(definitions) << definitions.error().field << ' ' << definitions.error().message;
  EXPECT_EQ(definitions->environment, "production");
  EXPECT_EQ(definitions->sequence, 7U);
  const auto snapshot = eval::Snapshot::Build(*std::move(definitions));
  EXPECT_EQ(Served(*snapshot, "checkout", Who("user-9", "initech")), "on DEFAULT");
  EXPECT_EQ(Served(*snapshot, "checkout", Who("user-9", "acme")), "off TARGETING_MATCH");
  EXPECT_EQ(Served(*snapshot, "checkout", Who("user-9", "globex")), "off DISABLED");
  EXPECT_EQ(Served(*snapshot, "colour", Who("user-1", "initech")), "blue TARGETING_MATCH");
  EXPECT_EQ(Served(*snapshot, "colour", Who("user-2", "initech")), "red DEFAULT");
}

struct Refused {
  std::string document;
  std::string field;
  ErrorCode code = ErrorCode::kInvalidArgument;
};

TEST(Definitions, AreRefusedWholeAndSayWhere) {
  for (const Refused& bad : {
           Refused{"", "", ErrorCode::kMalformed},
           Refused{"[]", ""},
           Refused{"{}", "environment"},
           Refused{R"({"environment":"has space"})", "environment"},
           Refused{R"({"environment":"p","flag":[]})", "flag"},
           Refused{R"({"environment":"p","flags":{}})", "flags"},
           Refused{R"({"environment":"p","sequence":-1})", "sequence"},
           Refused{R"({"environment":"p","flags":[{"flagKey":"a","owner":"o"},{"flagKey":"a","owner":"o"}]})",
                   "flags[1].flagKey"},
           Refused{R"({"environment":"p","flags":[{"flagKey":"a","owner":"o","environment":"q"}]})",
                   "flags[0].environment"},
           Refused{
               R"({"environment":"p","flags":[{"flagKey":"a","owner":"o","targetingRules":[{"id":"r","variation":"on",
                      "when":{"all":[{"attribute":"x","operator":"matches","values":["("]}]}}]}]})",
               "flags[0].targetingRules[0].when.all[0].values[0]"},
           Refused{R"({"environment":"p","overrides":[{"flagKey":"a","tenantId":"t"}]})", "overrides[0].variation"},
           Refused{R"({"environment":"p","overrides":[{"flagKey":"a","tenantId":"t","enabled":true}]})",
                   "overrides[0].enabled"},
           Refused{R"({"environment":"p","killSwitches":[{"scope":"planet","reason":"r"}]})", "killSwitches[0].scope"},
       }) {
    const auto definitions = ParseDefinitions(bad.document);
    ASSERT_FALSE(definitions) << bad.document;
    EXPECT_EQ(definitions.error().field, bad.field) << bad.document << ": " << definitions.error().message;
    EXPECT_EQ(definitions.error().code, bad.code) << bad.document;
  }
}

}  // namespace
}  // namespace guidon::library
