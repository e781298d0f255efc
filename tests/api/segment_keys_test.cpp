// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.hpp"

// Segments of any size over HTTP: small ones whole as ever, large ones by their keys.
namespace guidon::api_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSegments = "/api/v1/environments/development/segments";
const std::string kBeta = kSegments + "/beta";
const std::string kKeys = kBeta + "/keys";
const Headers kAny = {{"If-Match", "*"}};

std::string KeyList(int from, int to) {
  std::string list = "[";
  for (int i = from; i < to; ++i) {
    const std::string digits = std::to_string(i);
    list += (i == from ? "\"" : ",\"") + ("user-" + std::string(6 - digits.size(), '0') + digits) + '"';
  }
  return list + "]";
}

class SegmentKeysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(harness.Send("POST", kSegments, R"({"segmentKey":"beta","included":["a"],"excluded":["x"]})").status,
              201);
  }
  void Upload(int count) {
    const Reply reply = harness.Send("PUT", kKeys, R"({"included":)" + KeyList(0, count) + "}", kAny);
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  std::string Field(std::string_view method, const std::string& target, std::string_view body, int status,
                    const Headers& headers = {}) {
    const Reply reply = harness.Send(method, target, body, headers);
    EXPECT_EQ(reply.status, status) << target << ' ' << reply.body;
    return reply.At({"field"});
  }
  Harness harness;
};

TEST_F(SegmentKeysTest, SmallSegmentsLookAsTheyAlwaysDid) {
  const Reply read = harness.Send("GET", kBeta);
  EXPECT_EQ(
      read.body,
      R"({"createdAt":"2026-11-22T04:23:00.123Z","description":"","environment":"development","excluded":["x"],)"
      R"("included":["a"],"segmentKey":"beta","updatedAt":"2026-11-22T04:23:00.123Z","updatedBy":"local","version":1})");
  EXPECT_EQ(harness.Send("PUT", kBeta, R"({"included":["b"]})", kAny).At({"excluded"}), "[]");
}

TEST_F(SegmentKeysTest, LargeSegmentsAreShownByTheirCounts) {
  Upload(6000);
  for (const std::string& target : {kBeta, kSegments}) {
    const Reply reply = harness.Send("GET", target);
    EXPECT_EQ(reply.status, 200);
    EXPECT_LT(reply.body.size(), 500U);
    EXPECT_THAT(reply.body, HasSubstr(R"("includedCount":6000)"));
    EXPECT_THAT(reply.body, HasSubstr(R"("excludedCount":1)"));
    EXPECT_THAT(reply.body, Not(HasSubstr("\"included\"")));
  }
  EXPECT_EQ(harness.Send("GET", kBeta, "", {{"If-None-Match", "\"2\""}}).status, 304);
}

TEST_F(SegmentKeysTest, KeysAreListedByPages) {
  Upload(6000);
  std::vector<std::string> keys;
  std::string cursor;
  int pages = 0;
  do {
    const Reply page =
        harness.Send("GET", kKeys + "?limit=1000&prefix=user-00" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(page.status, 200) << page.body;
    for (const auto& key : *page.Json().AsObject()->Find("items")->AsList()) keys.push_back(*key.AsString());
    cursor = page.At({"nextCursor"});
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(pages, 6);
  ASSERT_EQ(keys.size(), 6000U);
  EXPECT_EQ(keys[1234], "user-001234");
  EXPECT_EQ(harness.Send("GET", kKeys + "?list=excluded").body, R"({"items":["x"]})");
  EXPECT_EQ(harness.Send("GET", kKeys + "?prefix=user-00499").At({"items"}).size(), 10 * 14 + 1U);
  EXPECT_EQ(Field("GET", kKeys + "?list=both", "", 400), "list");
  EXPECT_EQ(Field("GET", kKeys + "?limit=1001", "", 400), "limit");
  EXPECT_EQ(Field("GET", kKeys + "?cursor=nonsense", "", 400), "cursor");
  EXPECT_EQ(Field("GET", kKeys + "?prefix=" + std::string(1025, 'x'), "", 422), "prefix");
  EXPECT_EQ(harness.Send("GET", kSegments + "/none/keys").status, 404);
}

TEST_F(SegmentKeysTest, KeysComeAndGoInPortions) {
  Upload(6000);
  const Reply reply = harness.Send(
      "POST", kKeys,
      R"({"add":{"included":["zoe","user-000001"],"excluded":["y"]},"remove":{"included":["user-000002"]}})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.Header("ETag"), "\"3\"");
  EXPECT_EQ(
      reply.body,
      R"({"added":{"excluded":1,"included":1},"environment":"development","excludedCount":2,"includedCount":6000,)"
      R"("removed":{"excluded":0,"included":1},"segmentKey":"beta","version":3})");
  EXPECT_EQ(harness.Send("GET", kKeys + "?prefix=z").body, R"({"items":["zoe"]})");
  const Reply same = harness.Send("POST", kKeys, R"({"add":{"included":["zoe"]}})");
  EXPECT_EQ(same.At({"version"}), "3");
  EXPECT_EQ(harness.Send("POST", kKeys, R"({"add":{"included":["q"]}})", {{"If-Match", "\"1\""}}).status, 412);
}

TEST_F(SegmentKeysTest, WhatCannotBeMeantIsRefusedByName) {
  EXPECT_EQ(Field("POST", kKeys, "{}", 400), "add");
  EXPECT_EQ(Field("POST", kKeys, R"({"put":{}})", 400), "put");
  EXPECT_EQ(Field("POST", kKeys, R"({"add":{"both":[]}})", 400), "add.both");
  EXPECT_EQ(Field("POST", kKeys, R"({"add":["a"]})", 400), "add");
  EXPECT_EQ(Field("POST", kKeys, R"({"add":{"included":"a"}})", 400), "add.included");
  EXPECT_EQ(Field("POST", kKeys, R"({"add":{"included":["b",7]}})", 400), "add.included[1]");
  EXPECT_EQ(Field("POST", kKeys, R"({"remove":{"excluded":[""]}})", 400), "remove.excluded[0]");
  EXPECT_EQ(Field("POST", kKeys, R"({"add":{"included":["b"]},"remove":{"included":["b"]}})", 400), "remove.included");
  EXPECT_EQ(Field("POST", kKeys, R"({"add":{"included":)" + KeyList(0, 10'001) + "}}", 422), "add");
  EXPECT_EQ(harness.Send("PUT", kKeys, R"({"included":[]})").status, 428);
  EXPECT_EQ(Field("PUT", kKeys, "{}", 400, kAny), "included");
  EXPECT_EQ(Field("PUT", kKeys, "[]", 400, kAny), "");
  EXPECT_EQ(Field("PUT", kKeys, R"({"included":["a",1]})", 400, kAny), "included[1]");
  EXPECT_EQ(Field("PUT", kKeys, R"({"included":7})", 400, kAny), "included");
  EXPECT_EQ(Field("PUT", kKeys, R"({"inclouded":[]})", 400, kAny), "inclouded");
  EXPECT_EQ(Field("PUT", kKeys, R"({"included":[],"included":[]})", 400, kAny), "included");
  EXPECT_EQ(Field("POST", kSegments, R"({"segmentKey":"c","includedCount":3})", 400), "includedCount");
}

// A client that reads, edits and writes back must not empty a list that it never saw.
TEST_F(SegmentKeysTest, WritingBackWhatWasReadKeepsTheKeys) {
  Upload(6000);
  model::Value document = harness.Send("GET", kBeta).Json();
  document.MutableObject()->Set("description", "new");
  const Reply put = harness.Send("PUT", kBeta, json::Write(document), {{"If-Match", "\"2\""}});
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.At({"description"}), "new");
  EXPECT_EQ(put.At({"includedCount"}), "6000");
  EXPECT_EQ(Field("PUT", kBeta, R"({"description":"newer"})", 400, kAny), "included");
  EXPECT_EQ(Field("PUT", kBeta, R"({"included":[]})", 400, kAny), "excluded");
  EXPECT_EQ(harness.Send("GET", kKeys + "?prefix=user-004999").body, R"({"items":["user-004999"]})");
  const Reply emptied = harness.Send("PUT", kBeta, R"({"included":[],"excluded":[]})", kAny);
  ASSERT_EQ(emptied.status, 200) << emptied.body;
  EXPECT_EQ(emptied.At({"included"}), "[]");
}

TEST_F(SegmentKeysTest, AWholeListMayBeLargerThanOtherBodies) {
  Upload(100'000);  // 1.4 MB
  EXPECT_EQ(harness.Send("GET", kBeta).At({"includedCount"}), "100000");
  EXPECT_EQ(harness.Send("POST", kKeys, R"({"add":{"included":)" + KeyList(0, 100'000) + "}}").status, 413);
  const Reply evaluated = [&] {
    harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":false,"targetingRules":[{"id":"r","when":{"all":[)"
                     R"({"operator":"inSegment","values":["beta"]}]},"variation":"on"}]})");
    return harness.Send("POST", "/ofrep/v1/evaluate/flags/f", R"({"context":{"targetingKey":"user-099999"}})");
  }();
  EXPECT_EQ(evaluated.At({"value"}), "true") << evaluated.body;
}

TEST_F(SegmentKeysTest, AnExportHoldsAllKeys) {
  Upload(6000);
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":false,"targetingRules":[{"id":"r","when":{"all":[)"
                   R"({"operator":"inSegment","values":["beta"]}]},"variation":"on"}]})");
  const Reply exported = harness.Send("GET", "/api/v1/environments/development/export?format=flagd");
  ASSERT_EQ(exported.status, 200);
  EXPECT_THAT(exported.body, HasSubstr("user-000000"));
  EXPECT_THAT(exported.body, HasSubstr("user-004999"));
}

TEST_F(SegmentKeysTest, ARepeatedRequestIsNotRepeated) {
  const Headers once = {{"Idempotency-Key", "k"}};
  ASSERT_EQ(harness.Send("POST", kKeys, R"({"add":{"included":["b"]}})", once).status, 200);
  const Reply again = harness.Send("POST", kKeys, R"({"add":{"included":["b"]}})", once);
  EXPECT_EQ(again.Header("Idempotency-Replayed"), "true");
  EXPECT_EQ(again.At({"added", "included"}), "1");
  EXPECT_EQ(again.At({"version"}), "2");
  EXPECT_EQ(again.At({"segmentKey"}), "beta");
}

}  // namespace
}  // namespace guidon::api_test
