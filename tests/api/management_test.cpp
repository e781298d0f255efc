// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.hpp"

namespace guidon::api_test {
namespace {

const std::string kEnv = "/api/v1/environments/development";
const std::string kFlags = kEnv + "/flags";

class ManagementTest : public ::testing::Test {
 protected:
  Reply Send(std::string_view method, const std::string& target, std::string_view body = {},
             const Headers& headers = {}) {
    return harness.Send(method, target, body, headers);
  }
  // Status and the field that is named.
  std::string Field(std::string_view method, const std::string& target, std::string_view body, int status,
                    const Headers& headers = {}) {
    const Reply reply = Send(method, target, body, headers);
    EXPECT_EQ(reply.status, status) << target << ' ' << body << ' ' << reply.body;
    EXPECT_EQ(reply.Header("Content-Type"), "application/problem+json");
    EXPECT_EQ(reply.At({"requestId"}), reply.Header("X-Request-Id"));
    EXPECT_NE(reply.At({"detail"}), "");
    return reply.At({"field"});
  }
  Harness harness;
};

TEST_F(ManagementTest, AFlagsWholeLife) {
  const Reply made =
      Send("POST", kFlags, R"({"flagKey":"f","owner":"web","description":"d","tags":["x"],"defaultEnabled":false})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.Header("Location"), kFlags + "/f");
  EXPECT_EQ(made.Header("ETag"), "\"1\"");
  EXPECT_EQ(made.Header("Guidon-Sequence"), "1");
  EXPECT_EQ(made.At({"createdAt"}), "2026-11-22T04:23:00.123Z");
  EXPECT_EQ(made.At({"updatedBy"}), "local");

  const Reply read = Send("GET", kFlags + "/f");
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, made.body);
  EXPECT_EQ(Send("GET", kFlags + "/f", "", {{"If-None-Match", "\"1\""}}).status, 304);

  const Reply replaced =
      Send("PUT", kFlags + "/f", R"({"owner":"web","defaultEnabled":true})", {{"If-Match", "\"1\""}});
  ASSERT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(replaced.At({"version"}), "2");
  EXPECT_EQ(replaced.At({"description"}), "");

  const Reply patched = Send("PATCH", kFlags + "/f", R"({"rolloutPercentage":12.5,"description":"again"})",
                             {{"If-Match", "*"}, {"Content-Type", "application/merge-patch+json"}});
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(patched.At({"rolloutPercentage"}), "12.5");
  EXPECT_EQ(patched.Header("ETag"), "\"3\"");

  const Reply archived = Send("POST", kFlags + "/f/archive", "");
  ASSERT_EQ(archived.status, 200) << archived.body;
  EXPECT_EQ(archived.At({"state"}), "ARCHIVED");
  EXPECT_EQ(Send("POST", "/ofrep/v1/evaluate/flags/f", "{}").status, 404);

  const Reply gone = Send("DELETE", kFlags + "/f", "", {{"If-Match", "\"4\""}});
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(gone.Header("Guidon-Sequence"), "5");
  EXPECT_EQ(Send("GET", kFlags + "/f").status, 404);
}

TEST_F(ManagementTest, VersionsGuardAgainstLostUpdates) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o"})");
  const Reply missing = Send("PUT", kFlags + "/f", R"({"owner":"o"})");
  EXPECT_EQ(missing.status, 428);
  EXPECT_EQ(missing.Code(), "PRECONDITION_REQUIRED");
  EXPECT_EQ(Send("PATCH", kFlags + "/f", R"({"owner":"p"})").status, 428);
  ASSERT_EQ(Send("PATCH", kFlags + "/f", R"({"owner":"p"})", {{"If-Match", "\"1\""}}).status, 200);
  const Reply late = Send("PATCH", kFlags + "/f", R"({"owner":"q"})", {{"If-Match", "\"1\""}});
  EXPECT_EQ(late.status, 412);
  EXPECT_EQ(late.Code(), "CONFLICT");
  EXPECT_EQ(late.At({"currentVersion"}), "2");
  EXPECT_EQ(Send("DELETE", kFlags + "/f", "", {{"If-Match", "\"1\""}}).status, 412);
  EXPECT_EQ(Send("GET", kFlags + "/f").At({"owner"}), "p");
  for (const char* value : {"1", "W/\"1\"", "\"one\"", "\"1\", \"2\"", "\"\"", "\"-1\"", "\"99999999999999999999\""})
    EXPECT_EQ(Field("PATCH", kFlags + "/f", R"({"owner":"q"})", 400, {{"If-Match", value}}), "If-Match") << value;
  const Reply again = Send("POST", kFlags, R"({"flagKey":"f","owner":"o"})");
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(again.Code(), ::testing::AnyOf("CONFLICT", "ALREADY_EXISTS"));
}

TEST_F(ManagementTest, RacingWritersWinEachVersionOnce) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o"})");
  constexpr int kWriters = 4;
  constexpr int kRounds = 25;
  std::vector<std::vector<std::string>> won(kWriters);
  std::vector<int> lost(kWriters, 0);
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      api_http::IoState io(*harness.api);
      api_http::Session session(*harness.api, io, "127.0.0.1");
      const auto send = [&](std::string_view method, std::string_view body, const Headers& headers) {
        return ParseReplies(Harness::Drive(session, RequestText(method, kFlags + "/f", body, headers))).at(0);
      };
      for (int i = 0; i < kRounds; ++i) {
        const std::string tag = send("GET", "", {}).Header("ETag");
        const Reply reply = send("PATCH", R"({"defaultEnabled":true})", {{"If-Match", tag}});
        if (reply.status == 200) {
          won[w].push_back(reply.Header("ETag"));
        } else {
          EXPECT_EQ(reply.status, 412) << reply.body;
          EXPECT_NE(reply.At({"currentVersion"}), "");
          ++lost[w];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> versions;
  std::size_t wins = 0;
  for (const auto& list : won) {
    wins += list.size();
    versions.insert(list.begin(), list.end());
  }
  EXPECT_EQ(versions.size(), wins);
  EXPECT_GE(wins, static_cast<std::size_t>(kRounds));
  EXPECT_EQ(Send("GET", kFlags + "/f").At({"version"}), std::to_string(wins + 1));
}

TEST_F(ManagementTest, AnIdempotentRequestIsCarriedOutOnce) {
  const Headers key = {{"Idempotency-Key", "abc-1"}};
  const Reply first = Send("POST", kFlags, R"({"flagKey":"f","owner":"o"})", key);
  ASSERT_EQ(first.status, 201);
  EXPECT_EQ(first.Header("Idempotency-Replayed"), "");
  const Reply second = Send("POST", kFlags, R"({"flagKey":"f","owner":"o"})", key);
  EXPECT_EQ(second.status, 201) << second.body;
  EXPECT_EQ(second.Header("Idempotency-Replayed"), "true");
  EXPECT_EQ(second.Header("Guidon-Sequence"), first.Header("Guidon-Sequence"));
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(Field("POST", kFlags, R"({"flagKey":"g","owner":"o"})", 400, key), "Idempotency-Key");
  EXPECT_EQ(Send("GET", kFlags + "/g").status, 404);
  EXPECT_EQ(Field("POST", kFlags, R"({"flagKey":"h","owner":"o"})", 400, {{"Idempotency-Key", std::string(256, 'x')}}),
            "Idempotency-Key");
  const Headers other = {{"Idempotency-Key", "del"}};
  ASSERT_EQ(Send("DELETE", kFlags + "/f", "", other).status, 204);
  const Reply replay = Send("DELETE", kFlags + "/f", "", other);
  EXPECT_EQ(replay.status, 204);
  EXPECT_EQ(replay.Header("Idempotency-Replayed"), "true");
}

TEST_F(ManagementTest, ListsArePagedAndFiltered) {
  for (int i = 0; i < 7; ++i) {
    harness.clock.Advance(std::chrono::seconds(1));
    harness.MakeFlag(R"({"flagKey":"f)" + std::to_string(i) + R"(","owner":")" + (i % 2 == 0 ? "web" : "api") +
                     R"(","tags":["t)" + std::to_string(i % 3) + R"("]})");
  }
  std::vector<std::string> keys;
  std::string cursor;
  int pages = 0;
  do {
    const Reply page = Send("GET", kFlags + "?limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(page.status, 200) << page.body;
    for (int i = 0; i < 3 && !page.At({"items", std::to_string(i), "flagKey"}).empty(); ++i)
      keys.push_back(page.At({"items", std::to_string(i), "flagKey"}));
    cursor = page.At({"nextCursor"});
    ++pages;
  } while (!cursor.empty() && pages < 10);
  EXPECT_THAT(keys, ::testing::ElementsAre("f6", "f5", "f4", "f3", "f2", "f1", "f0"));
  EXPECT_EQ(Send("GET", kFlags + "?owner=api").body.find("f0"), std::string::npos);
  EXPECT_NE(Send("GET", kFlags + "?tag=t1&q=F4").body.find("\"f4\""), std::string::npos);
  EXPECT_EQ(Send("GET", kFlags + "?state=ARCHIVED").At({"items"}), "[]");
}

TEST_F(ManagementTest, QueriesAreStrict) {
  EXPECT_EQ(Field("GET", kFlags + "?colour=red", "", 400), "colour");
  EXPECT_EQ(Field("GET", kFlags + "?limit=1&limit=2", "", 400), "limit");
  for (const char* limit : {"0", "1001", "-1", "1.5", "x", "", "99999999999999999999", "+1", "%31%30%30%31"})
    EXPECT_EQ(Field("GET", kFlags + "?limit=" + limit, "", 400), "limit") << limit;
  EXPECT_EQ(Field("GET", kFlags + "?state=maybe", "", 400), "state");
  EXPECT_EQ(Field("GET", kFlags + "?tenantId=a%23b", "", 400), "tenantId");
  EXPECT_EQ(Field("GET", kFlags + "?q=" + std::string(201, 'x'), "", 400), "q");
  EXPECT_EQ(Send("GET", kFlags + "?q=%zz").status, 400);
  EXPECT_EQ(Send("GET", kFlags + "?q=%ff").status, 400);
  EXPECT_EQ(Send("GET", kFlags + "?q=%00").status, 400);
  EXPECT_EQ(Field("GET", kEnv + "/overrides", "", 400), "tenantId");
  EXPECT_EQ(Field("POST", "/api/v1/refresh?now=1", "", 400), "now");
}

TEST_F(ManagementTest, TamperedCursorsAreRefused) {
  for (int i = 0; i < 3; ++i) {
    harness.clock.Advance(std::chrono::seconds(1));
    harness.MakeFlag(R"({"flagKey":"f)" + std::to_string(i) + R"(","owner":"o"})");
  }
  std::string cursor = Send("GET", kFlags + "?limit=1").At({"nextCursor"});
  ASSERT_NE(cursor, "");
  for (std::size_t i = 0; i < cursor.size(); i += 3) {
    std::string bent = cursor;
    bent[i] = bent[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(Field("GET", kFlags + "?limit=1&cursor=" + bent, "", 400), "cursor") << i;
  }
  EXPECT_EQ(Field("GET", kFlags + "?cursor=", "", 400), "cursor");
  EXPECT_EQ(Field("GET", kFlags + "?cursor=" + std::string(7000, 'A'), "", 400), "cursor");
  // Of another environment's list.
  EXPECT_EQ(Field("GET", "/api/v1/environments/staging/flags?cursor=" + cursor, "", 400), "cursor");
}

TEST_F(ManagementTest, BadFlagsNameTheirField) {
  const auto refused = [&](std::string_view body, int status = 400) { return Field("POST", kFlags, body, status); };
  EXPECT_EQ(refused(R"({"flagKey":"a b","owner":"o"})"), "flagKey");
  EXPECT_EQ(refused(R"({"flagKey":"a#b","owner":"o"})"), "flagKey");
  EXPECT_EQ(refused(R"({"flagKey":"a\u0000b","owner":"o"})"), "flagKey");
  EXPECT_EQ(refused(R"({"flagKey":")" + std::string(129, 'a') + R"(","owner":"o"})"), "flagKey");
  EXPECT_EQ(refused(R"({"flagKey":"f","owner":"o","colour":"red"})"), "colour");
  EXPECT_EQ(refused(R"({"flagKey":"f","owner":"o","rolloutPercentage":-1})"), "rolloutPercentage");
  EXPECT_EQ(refused(R"({"flagKey":"f","owner":"o","rolloutPercentage":100.0001})"), "rolloutPercentage");
  EXPECT_EQ(refused(R"({"flagKey":"f","owner":"o","rolloutPercentage":"10"})"), "rolloutPercentage");
  EXPECT_EQ(Send("POST", kFlags, R"({"flagKey":"f","owner":"o","rolloutPercentage":NaN})").status, 400);
  EXPECT_EQ(refused(R"({"flagKey":"f","owner":"o","expiresAt":"2026-02-30T00:00:00Z"})"), "expiresAt");
  EXPECT_EQ(refused(R"({"flagKey":"f","owner":"o","environment":"staging"})"), "environment");
  EXPECT_EQ(
      refused(
          R"({"flagKey":"f","owner":"o","targetingRules":[{"id":"r","when":{"all":[{"attribute":"a","operator":"like","values":[]}]},"variation":"on"}]})"),
      "targetingRules[0].when.all[0].operator");
  EXPECT_EQ(Send("POST", kFlags, R"({"flagKey":"f","flagKey":"g","owner":"o"})").status, 400);
  EXPECT_EQ(Send("POST", kFlags, std::string("{\"flagKey\":\"f\",\"owner\":\"\xc3\x28\"}")).status, 400);
  EXPECT_EQ(Send("POST", kFlags, std::string(5000, '[')).status, 400);
  EXPECT_EQ(Send("POST", kFlags, R"({"flagKey":"f")").Code(), "MALFORMED");
  EXPECT_EQ(Send("POST", kFlags, "7").status, 400);
  EXPECT_EQ(Send("POST", kFlags, std::string(1024UL * 1024 + 1, ' ')).status, 413);
  const Reply over =
      Send("POST", kFlags, R"({"flagKey":"f","owner":"o","description":")" + std::string(5000, 'x') + "\"}");
  EXPECT_THAT(over.status, ::testing::AnyOf(400, 422)) << over.body;
  EXPECT_EQ(over.At({"field"}), "description");
  EXPECT_EQ(Send("GET", kFlags).At({"items"}), "[]");  // and nothing of it was stored
}

TEST_F(ManagementTest, PathsAreDecodedOnceAndChecked) {
  harness.MakeFlag(R"({"flagKey":"a.b_c-d","owner":"o"})");
  EXPECT_EQ(Send("GET", kFlags + "/a%2Eb_c-d").status, 200);
  EXPECT_EQ(Field("GET", kFlags + "/a%23b", "", 400), "flagKey");
  EXPECT_EQ(Field("GET", kFlags + "/a%2Fb", "", 400), "flagKey");
  EXPECT_EQ(Field("GET", kFlags + "/%252e", "", 400), "flagKey");
  EXPECT_EQ(Field("GET", kFlags + "/..", "", 400), "flagKey");
  EXPECT_EQ(Field("GET", kFlags + "/%zz", "", 400), "path");
  EXPECT_EQ(Field("GET", kFlags + "/%c3", "", 400), "path");
  EXPECT_EQ(Field("GET", "/api/v1/environments/Dev%21/flags", "", 404), "environment");
  EXPECT_EQ(Send("GET", kFlags + "/").status, 404);
  EXPECT_EQ(Send("GET", "//api/v1/tenants").status, 404);
  EXPECT_EQ(Send("GET", "/API/v1/tenants").status, 404);
}

TEST_F(ManagementTest, MediaTypesAreChecked) {
  const std::string body = R"({"flagKey":"f","owner":"o"})";
  EXPECT_EQ(Send("POST", kFlags, body, {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(Send("POST", kFlags, body, {{"Content-Type", "application/merge-patch+json"}}).status, 415);
  EXPECT_EQ(Send("POST", kFlags, body, {{"Content-Encoding", "gzip"}}).status, 415);
  EXPECT_EQ(Send("POST", kFlags, body, {{"Content-Type", "Application/JSON; charset=utf-8"}}).status, 201);
  EXPECT_EQ(Send("POST", kFlags + "/f/archive", R"({"x":1})").status, 400);
}

TEST_F(ManagementTest, MethodsAreAnswered) {
  const Reply reply = Send("PATCH", kFlags, "{}");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.Header("Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(Send("TRACE", kFlags).status, 405);
  const Reply options = Send("OPTIONS", kFlags);
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.Header("Allow"), "GET, HEAD, POST, OPTIONS");
  harness.MakeFlag(R"({"flagKey":"f","owner":"o"})");
  const Reply get = Send("GET", kFlags + "/f");
  const Reply head = Send("HEAD", kFlags + "/f");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.Header("Content-Length"), std::to_string(get.body.size()));
}

TEST_F(ManagementTest, OverridesOneByOneAndInBulk) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  const std::string path = kFlags + "/f/overrides";
  const Reply set = Send("PUT", path + "/acme", R"({"enabled":false})");
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.At({"variation"}), "off");
  EXPECT_EQ(Send("GET", path + "/acme").body, set.body);
  EXPECT_EQ(Field("PUT", path + "/acme", R"({"enabled":false,"variation":"on"})", 400), "enabled");
  EXPECT_EQ(Field("PUT", path + "/acme", "{}", 400), "enabled");
  EXPECT_EQ(Field("PUT", path + "/acme", R"({"enabled":1})", 400), "enabled");
  EXPECT_EQ(Field("PUT", path + "/acme", R"({"variation":"blue"})", 400), "variation");
  EXPECT_EQ(Field("PUT", path + "/a%20b", R"({"enabled":true})", 400), "tenantId");
  std::string many = R"({"overrides":[)";
  for (int i = 0; i < 250; ++i)
    many += (i == 0 ? "" : ",") + std::string(R"({"tenantId":"t)") + std::to_string(i) + R"(","variation":"off"})";
  const Reply bulk = Send("PUT", path, many + "]}");
  ASSERT_EQ(bulk.status, 200) << bulk.body;
  EXPECT_EQ(bulk.At({"applied"}), "250");
  EXPECT_EQ(Field("PUT", path, R"({"overrides":[{"tenantId":"a","enabled":true},{"tenantId":"b"}]})", 400),
            "overrides[1].enabled");
  EXPECT_EQ(Field("PUT", path, R"({"overrides":[{"tenantId":"a","enabled":true,"x":1}]})", 400), "overrides[0].x");
  EXPECT_EQ(Field("PUT", path, R"({"overrides":[]})", 400), "overrides");
  const Reply listed = Send("GET", path + "?limit=200");
  EXPECT_NE(listed.At({"nextCursor"}), "");
  EXPECT_EQ(Send("GET", kEnv + "/overrides?tenantId=t7").At({"items", "0", "flagKey"}), "f");
  EXPECT_EQ(Send("DELETE", path + "/acme").status, 204);
  EXPECT_EQ(Send("GET", path + "/acme").status, 404);
}

TEST_F(ManagementTest, KillSwitchesOfAllScopes) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"team a/b","defaultEnabled":true})");
  for (const char* scope : {"global", "flag:f", "tenant:acme", "owner:team%20a%2Fb"}) {
    const std::string path = kEnv + "/kill-switches/" + scope;
    const Reply engaged = Send("PUT", path, R"({"reason":"it burns"})");
    EXPECT_EQ(engaged.status, 200) << engaged.body;
    EXPECT_EQ(Send("PUT", path, R"({"reason":"it burns"})").status, 200);
    EXPECT_EQ(Send("POST", "/ofrep/v1/evaluate/flags/f", R"({"context":{"tenantId":"acme"}})").At({"reason"}),
              "DISABLED")
        << scope;
    EXPECT_EQ(Send("DELETE", path + "?reason=out").status, 204);
    EXPECT_EQ(Send("DELETE", path + "?reason=out").status, 404);
  }
  EXPECT_EQ(Field("PUT", kEnv + "/kill-switches/everything", R"({"reason":"r"})", 400), "scope");
  EXPECT_EQ(Field("PUT", kEnv + "/kill-switches/global", "{}", 400), "reason");
  EXPECT_EQ(Field("PUT", kEnv + "/kill-switches/global", R"({"reason":"r","force":true})", 400), "force");
  EXPECT_EQ(Send("PUT", kEnv + "/kill-switches/flag:missing", R"({"reason":"r"})").status, 404);
  EXPECT_EQ(Send("GET", kEnv + "/kill-switches").body, R"({"items":[]})");
}

TEST_F(ManagementTest, SegmentsAndTenants) {
  const Reply made = Send(
      "POST", kEnv + "/segments",
      R"({"segmentKey":"s","included":["u2","u1"],"when":{"any":[{"attribute":"plan","operator":"in","values":["pro"]}]}})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.Header("Location"), kEnv + "/segments/s");
  ASSERT_EQ(Send("PATCH", kEnv + "/segments/s", R"({"excluded":["u1"]})", {{"If-Match", "\"1\""}}).status, 200);
  EXPECT_EQ(Send("PUT", kEnv + "/segments/s", R"({"included":[]})", {{"If-Match", "\"1\""}}).status, 412);
  EXPECT_EQ(Send("GET", kEnv + "/segments/s").At({"excluded", "0"}), "u1");
  harness.MakeFlag(
      R"({"flagKey":"f","owner":"o","targetingRules":[{"id":"r","when":{"all":[{"operator":"inSegment","values":["s"]}]},"variation":"on"}]})");
  EXPECT_EQ(Send("DELETE", kEnv + "/segments/s").status, 409);
  EXPECT_EQ(Send("POST", "/ofrep/v1/evaluate/flags/f", R"({"context":{"targetingKey":"u2"}})").At({"value"}), "true");
  ASSERT_EQ(Send("DELETE", kFlags + "/f").status, 204);
  EXPECT_EQ(Send("DELETE", kEnv + "/segments/s").status, 204);

  ASSERT_EQ(Send("POST", "/api/v1/tenants", R"({"tenantId":"acme","name":"Acme","plan":"pro"})").status, 201);
  EXPECT_EQ(Send("PUT", "/api/v1/tenants/acme", R"({"name":"ACME"})").status, 428);
  EXPECT_EQ(Send("PUT", "/api/v1/tenants/acme", R"({"name":"ACME"})", {{"If-Match", "*"}}).At({"name"}), "ACME");
  EXPECT_EQ(Send("PATCH", "/api/v1/tenants/acme", R"({"plan":"free"})", {{"If-Match", "\"2\""}}).At({"plan"}), "free");
  EXPECT_EQ(Field("POST", "/api/v1/tenants", R"({"tenantId":"acme","size":3})", 400), "size");
  EXPECT_EQ(Send("GET", "/api/v1/tenants").At({"items", "0", "tenantId"}), "acme");
  EXPECT_EQ(Send("DELETE", "/api/v1/tenants/acme").status, 204);
}

TEST_F(ManagementTest, KeysShowTheirSecretOnce) {
  const Reply made = Send("POST", "/api/v1/keys", R"({"kind":"server","name":"shop","environment":"development"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string token = made.At({"token"});
  const std::string path = "/api/v1/keys/" + made.At({"key", "keyId"});
  EXPECT_EQ(made.Header("Location"), path);
  EXPECT_EQ(Send("GET", path).body.find("hash"), std::string::npos);
  EXPECT_EQ(Send("GET", "/api/v1/keys").body.find(token), std::string::npos);
  EXPECT_EQ(Field("POST", "/api/v1/keys", R"({"kind":"server"})", 400), "environment");
  EXPECT_EQ(Field("POST", "/api/v1/keys", R"({"kind":"root"})", 400), "kind");
  EXPECT_EQ(Field("POST", path + "/rotate", R"({"overlapSeconds":-1})", 400), "overlapSeconds");
  EXPECT_EQ(Field("POST", path + "/rotate", R"({"overlap":1})", 400), "overlap");
  const Reply rotated = Send("POST", path + "/rotate", R"({"overlapSeconds":60})");
  ASSERT_EQ(rotated.status, 201) << rotated.body;
  const auto works = [&](const std::string& key) {
    return Send("POST", "/ofrep/v1/evaluate/flags", "{}", {{"X-API-Key", key}}).status;
  };
  EXPECT_EQ(works(token), 200);
  EXPECT_EQ(works(rotated.At({"token"})), 200);
  harness.clock.Advance(std::chrono::seconds(61));
  EXPECT_EQ(works(token), 401);
  EXPECT_EQ(works(rotated.At({"token"})), 200);
  const Reply revoked = Send("DELETE", "/api/v1/keys/" + rotated.At({"key", "keyId"}));
  EXPECT_EQ(revoked.status, 200);
  EXPECT_NE(revoked.At({"revokedAt"}), "");
  EXPECT_EQ(works(rotated.At({"token"})), 401);
}

TEST_F(ManagementTest, CopyGoesToAnotherEnvironmentOrKey) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  const Reply copied = Send("POST", kFlags + "/f/copy", R"({"environment":"staging","flagKey":"g"})");
  ASSERT_EQ(copied.status, 201) << copied.body;
  EXPECT_EQ(copied.Header("Location"), "/api/v1/environments/staging/flags/g");
  EXPECT_EQ(copied.At({"version"}), "1");
  EXPECT_EQ(Send("POST", kFlags + "/f/copy", R"({"environment":"staging","flagKey":"g"})").status, 409);
  EXPECT_EQ(Field("POST", kFlags + "/f/copy", R"({"environment":"mars"})", 400), "environment");
  EXPECT_EQ(Field("POST", kFlags + "/f/copy", "{}", 400), "flagKey");
  // A key for one environment cannot copy out of it.
  const std::string key = harness.MakeKey(model::KeyKind::kAdmin, "development");
  EXPECT_EQ(Send("POST", kFlags + "/f/copy", R"({"environment":"staging","flagKey":"h"})", {{"X-API-Key", key}}).status,
            403);
}

TEST_F(ManagementTest, ExplainShowsTheTrace) {
  harness.MakeFlag(
      R"({"flagKey":"f","owner":"o","defaultEnabled":true,"rolloutPercentage":50,"targetingRules":[{"id":"pro","when":{"all":[{"attribute":"plan","operator":"in","values":["pro"]}]},"variation":"on"}]})");
  const Reply rule = Send("POST", kFlags + "/f/explain", R"({"context":{"targetingKey":"u","plan":"pro"}})");
  ASSERT_EQ(rule.status, 200) << rule.body;
  EXPECT_EQ(rule.At({"reason"}), "TARGETING_MATCH");
  EXPECT_EQ(rule.At({"metadata", "ruleId"}), "pro");
  EXPECT_EQ(rule.At({"trace", "sequence"}), "1");
  EXPECT_NE(rule.body.find("\"operator\":\"in\""), std::string::npos);
  const Reply split = Send("POST", kFlags + "/f/explain", R"({"context":{"targetingKey":"u"}})");
  EXPECT_EQ(split.At({"reason"}), "SPLIT");
  EXPECT_NE(split.body.find("\"bucket\":"), std::string::npos);
  EXPECT_EQ(Send("POST", kFlags + "/f/explain", "{}").At({"errorCode"}), "TARGETING_KEY_MISSING");
  EXPECT_EQ(Field("POST", kFlags + "/f/explain", R"({"contxt":{}})", 400), "contxt");
  EXPECT_EQ(Field("POST", kFlags + "/f/explain", R"({"context":{"targetingKey":5}})", 400), "context.targetingKey");
  EXPECT_EQ(Send("POST", kFlags + "/none/explain", "{}").status, 404);
}

TEST_F(ManagementTest, ChangesComeWithWarnings) {
  const std::string shadowed =
      R"([{"id":"all","everyone":true,"variation":"on"},{"id":"late","when":{"all":[{"attribute":"plan","operator":"in","values":["pro"]}]},"variation":"off"}])";
  const Reply made = Send("POST", kFlags, R"({"flagKey":"f","owner":"o","targetingRules":)" + shadowed + "}");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.At({"warnings", "0", "code"}), "unreachableRule");
  EXPECT_EQ(made.At({"warnings", "0", "severity"}), "warning");
  EXPECT_EQ(made.At({"warnings", "0", "field"}), "targetingRules[1]");
  EXPECT_EQ(made.At({"warnings", "0", "ruleId"}), "late");
  // They are no part of the flag, and what was answered can be sent back.
  EXPECT_EQ(Send("GET", kFlags + "/f").body.find("warnings"), std::string::npos);
  const Reply replaced = Send("PUT", kFlags + "/f", made.body, {{"If-Match", "\"1\""}});
  ASSERT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(replaced.At({"warnings", "0", "code"}), "unreachableRule");

  const Reply linted = Send("GET", kFlags + "/f/lint");
  ASSERT_EQ(linted.status, 200) << linted.body;
  EXPECT_EQ(linted.At({"flagKey"}), "f");
  EXPECT_EQ(linted.At({"findings", "0", "code"}), "unreachableRule");
  const Reply patched =
      Send("PATCH", kFlags + "/f", R"({"targetingRules":[],"rolloutPercentage":0,"defaultEnabled":true})",
           {{"If-Match", "*"}, {"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(patched.At({"warnings", "0", "code"}), "rolloutOfNothing") << patched.body;
  const Reply good = Send("PATCH", kFlags + "/f", R"({"rolloutPercentage":20})",
                          {{"If-Match", "*"}, {"Content-Type", "application/merge-patch+json"}});
  ASSERT_EQ(good.status, 200);
  EXPECT_EQ(good.body.find("warnings"), std::string::npos) << good.body;
  EXPECT_EQ(Send("GET", kFlags + "/f/lint").body, R"({"environment":"development","findings":[],"flagKey":"f"})");
  EXPECT_EQ(Send("GET", kFlags + "/none/lint").status, 404);
  // What names nothing is refused outright.
  EXPECT_EQ(
      Field(
          "PATCH", kFlags + "/f",
          R"({"targetingRules":[{"id":"s","when":{"all":[{"operator":"inSegment","values":["gone"]}]},"variation":"on"}]})",
          400, {{"If-Match", "*"}, {"Content-Type", "application/merge-patch+json"}}),
      "targetingRules[0].when");
}

TEST_F(ManagementTest, AuditTellsWhoDidWhat) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","description":"say \"hi\", =1"})");
  harness.clock.Advance(std::chrono::seconds(1));
  ASSERT_EQ(Send("PATCH", kFlags + "/f", R"({"owner":"p"})",
                 {{"If-Match", "*"}, {"User-Agent", "curl/8"}, {"X-Request-Id", "req.1"}})
                .status,
            200);
  const Reply all = Send("GET", "/api/v1/audit?environment=development&resource=f");
  ASSERT_EQ(all.status, 200) << all.body;
  EXPECT_EQ(all.At({"items", "0", "requestId"}), "req.1");
  EXPECT_EQ(all.At({"items", "0", "userAgent"}), "curl/8");
  EXPECT_EQ(all.At({"items", "0", "address"}), "127.0.0.1");
  EXPECT_EQ(all.At({"items", "0", "actor", "id"}), "local");
  EXPECT_EQ(all.At({"items", "0", "before", "owner"}), "o");
  EXPECT_EQ(all.At({"items", "0", "after", "owner"}), "p");
  const Reply lines = Send("GET", "/api/v1/audit/export?from=2026-11-22&to=2026-11-22");
  EXPECT_EQ(lines.Header("Content-Type"), "application/jsonl");
  EXPECT_EQ(std::ranges::count(lines.body, '\n'), 2);
  const Reply csv = Send("GET", "/api/v1/audit/export?format=csv");
  EXPECT_TRUE(csv.body.starts_with("at,requestId,actorId,"));
  EXPECT_NE(csv.body.find("\"flag.create\""), std::string::npos) << csv.body;
  EXPECT_NE(csv.body.find(",before,after,previousHash,hash\r\n"), std::string::npos);
  EXPECT_EQ(Field("GET", "/api/v1/audit?from=2026-13-01", "", 400), "from");
  EXPECT_EQ(Field("GET", "/api/v1/audit?from=2026-11-23&to=2026-11-22", "", 400), "from");
  EXPECT_EQ(Field("GET", "/api/v1/audit?from=2020-01-01", "", 400), "from");
  EXPECT_EQ(Field("GET", "/api/v1/audit/export?format=xml", "", 400), "format");
  EXPECT_EQ(Field("GET", "/api/v1/audit?environment=mars", "", 400), "environment");
}

TEST_F(ManagementTest, AuditIsVerifiedInPortions) {
  ASSERT_EQ(Send("POST", kFlags, R"({"flagKey":"f","owner":"o"})").status, 201);
  const Reply whole = Send("GET", "/api/v1/audit/verify?environment=development");
  ASSERT_EQ(whole.status, 200) << whole.body;
  EXPECT_EQ(whole.At({"toEnd"}), "true");
  EXPECT_EQ(whole.At({"checkedTo"}), whole.At({"to"}));
  EXPECT_EQ(whole.At({"chains", "0", "environment"}), "development");
  EXPECT_EQ(whole.At({"chains", "0", "kind"}), "changes");
  EXPECT_EQ(whole.At({"chains", "0", "state"}), "ok");
  EXPECT_EQ(whole.At({"chains", "0", "entries"}), "1");
  EXPECT_EQ(whole.At({"chains", "0", "first", "sequence"}), "1");
  EXPECT_EQ(whole.At({"chains", "0", "head", "sequence"}), "1");
  const Reply listed = Send("GET", "/api/v1/audit?environment=development");
  EXPECT_EQ(whole.At({"chains", "0", "head", "hash"}), listed.At({"items", "0", "hash"}));

  const Reply part = Send("GET", "/api/v1/audit/verify?environment=development&from=2026-09-01");
  ASSERT_EQ(part.status, 200);
  const std::string cursor = part.At({"nextCursor"});
  ASSERT_FALSE(cursor.empty()) << part.body;
  EXPECT_LT(part.At({"checkedTo"}), part.At({"to"}));
  std::string rest = cursor;
  Reply last;
  for (int i = 0; i < 10 && !rest.empty(); ++i) {
    last = Send("GET", "/api/v1/audit/verify?environment=development&cursor=" + rest);
    ASSERT_EQ(last.status, 200) << last.body;
    rest = last.body.contains("nextCursor") ? last.At({"nextCursor"}) : "";
  }
  EXPECT_EQ(last.At({"chains", "0", "entries"}), "1");
  EXPECT_EQ(last.At({"from"}), "2026-09-01T00:00:00.000Z");

  EXPECT_EQ(Field("GET", "/api/v1/audit/verify?cursor=" + cursor, "", 400), "cursor");
  EXPECT_EQ(Field("GET", "/api/v1/audit/verify?cursor=x", "", 400), "cursor");
  EXPECT_EQ(Field("GET", "/api/v1/audit/verify?from=2026-13-01", "", 400), "from");
  EXPECT_EQ(Field("GET", "/api/v1/audit/verify?from=2026-11-23&to=2026-11-22", "", 400), "from");
  EXPECT_EQ(Field("GET", "/api/v1/audit/verify?from=2000-01-01", "", 400), "from");
  EXPECT_EQ(Field("GET", "/api/v1/audit/verify?environment=mars", "", 400), "environment");
}

}  // namespace
}  // namespace guidon::api_test
