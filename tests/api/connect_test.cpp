// SPDX-License-Identifier: Apache-2.0
// flagd's evaluation service by the Connect protocol, without sockets: bytes of requests and answers, refusals, scopes.
// Its event stream: streams_test.cpp.
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/api_http/connect_wire.hpp"
#include "harness.hpp"

namespace guidon::api_test {
namespace {

using ::testing::HasSubstr;

const std::string kV1 = "/flagd.evaluation.v1.Service/";
const std::string kV2 = "/flagd.evaluation.v2.Service/";

Headers Bearer(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

class Connect : public ::testing::Test {
 protected:
  Connect() {
    harness.MakeFlag(R"({"flagKey":"on","owner":"o","defaultEnabled":true})");
    harness.MakeFlag(R"({"flagKey":"text","owner":"o","type":"string","defaultEnabled":true,
        "variations":{"red":"r\"ed","blue":"blue"},"defaultVariation":"red","offVariation":"blue"})");
    harness.MakeFlag(R"({"flagKey":"number","owner":"o","type":"number","defaultEnabled":true,
        "variations":{"high":12.75,"low":1},"defaultVariation":"high","offVariation":"low"})");
    harness.MakeFlag(R"({"flagKey":"big","owner":"o","type":"number","defaultEnabled":true,
        "variations":{"big":9007199254740993,"low":1},"defaultVariation":"big","offVariation":"low"})");
    harness.MakeFlag(R"({"flagKey":"huge","owner":"o","type":"number","defaultEnabled":true,
        "variations":{"huge":1e30,"low":1},"defaultVariation":"huge","offVariation":"low"})");
    harness.MakeFlag(R"({"flagKey":"object","owner":"o","type":"object","defaultEnabled":true,
        "variations":{"a":{"limit":10,"names":["x"]},"none":{}},"defaultVariation":"a","offVariation":"none"})");
    harness.MakeFlag(R"({"flagKey":"off","owner":"o","defaultEnabled":true,"state":"DISABLED"})");
    harness.MakeFlag(R"({"flagKey":"half","owner":"o","defaultEnabled":true,"rolloutPercentage":50})");
    harness.MakeFlag(R"({"flagKey":"acmes","owner":"o","defaultEnabled":true,"tenantId":"acme"})");
    harness.MakeFlag(R"({"flagKey":"pro","owner":"o","defaultEnabled":false,"targetingRules":[{"id":"pros",
        "when":{"all":[{"attribute":"plan","operator":"in","values":["pro"]}]},"variation":"on"}]})");
  }

  Reply Call(const std::string& path, std::string_view body, const Headers& headers = {}) {
    return harness.Send("POST", path, body, headers);
  }
  Reply Resolve(const std::string& method, const std::string& key, std::string_view context = "{}",
                const Headers& headers = {}) {
    return Call(kV1 + method, R"({"flagKey":")" + key + R"(","context":)" + std::string(context) + "}", headers);
  }
  void ExpectFailure(const Reply& reply, int status, std::string_view code, std::string_view text = "") {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.Code(), code) << reply.body;
    EXPECT_THAT(reply.At({"message"}), HasSubstr(std::string(text)));
    EXPECT_EQ(reply.Header("Content-Type"), "application/json");
  }

  Harness harness;
};

TEST_F(Connect, AnswersAreTheJsonOfProtocolBuffers) {
  EXPECT_EQ(Resolve("ResolveBoolean", "on").body, R"({"value":true,"variant":"on","reason":"STATIC"})");
  EXPECT_EQ(Resolve("ResolveString", "text").body, R"({"value":"r\"ed","variant":"red","reason":"STATIC"})");
  EXPECT_EQ(Resolve("ResolveFloat", "number").body, R"({"value":12.75,"variant":"high","reason":"STATIC"})");
  // 64-bit integers are texts; the fraction is cut off.
  EXPECT_EQ(Resolve("ResolveInt", "number").body, R"({"value":"12","variant":"high","reason":"STATIC"})");
  EXPECT_EQ(Resolve("ResolveInt", "big").At({"value"}), "9007199254740993");
  EXPECT_EQ(Resolve("ResolveObject", "object").body,
            R"({"value":{"limit":10,"names":["x"]},"variant":"a","reason":"STATIC"})");
  EXPECT_EQ(Resolve("ResolveBoolean", "pro", R"({"targetingKey":"u","plan":"pro"})").body,
            R"({"value":true,"variant":"on","reason":"TARGETING_MATCH","metadata":{"ruleId":"pros"}})");
  EXPECT_EQ(Resolve("ResolveBoolean", "off").body, R"({"reason":"DISABLED"})");
  for (const std::string_view body : {R"({"flag_key":"on"})", R"({"flagKey":"on","context":null,"unknown":[1]})"})
    EXPECT_EQ(Call(kV2 + "ResolveBoolean", body).At({"value"}), "true");
}

TEST_F(Connect, FailuresHaveConnectsCodes) {
  ExpectFailure(Resolve("ResolveBoolean", "nowhere"), 404, "not_found", "FLAG_NOT_FOUND");
  ExpectFailure(Call(kV1 + "ResolveBoolean", "{}"), 404, "not_found");
  ExpectFailure(Resolve("ResolveString", "on"), 400, "invalid_argument", "TYPE_MISMATCH");
  ExpectFailure(Resolve("ResolveInt", "huge"), 400, "invalid_argument", "TYPE_MISMATCH");
  ExpectFailure(Resolve("ResolveBoolean", "half"), 400, "unknown", "TARGETING_KEY_MISSING");
  ExpectFailure(Resolve("ResolveBoolean", "on", R"({"targetingKey":7})"), 400, "invalid_argument", "targetingKey");
  ExpectFailure(Call(kV1 + "ResolveBoolean", R"({"flagKey":7})"), 400, "invalid_argument", "flagKey");
  ExpectFailure(Call(kV1 + "ResolveBoolean", R"({"flagKey":"on","flag_key":"on"})"), 400, "invalid_argument");
  ExpectFailure(Call(kV1 + "ResolveAll", R"({"context":[]})"), 400, "invalid_argument", "context");
  ExpectFailure(Call(kV1 + "ResolveAll", "{"), 400, "invalid_argument");
  ExpectFailure(Call(kV1 + "ResolveAll", "[]"), 400, "invalid_argument");
  ExpectFailure(Call(kV1 + "ResolveEverything", "{}"), 501, "unimplemented", "no such method");
  ExpectFailure(Call(kV1 + "ResolveAll", "{}", {{"Content-Type", "application/proto"}}), 415, "unimplemented",
                "application/json");
  ExpectFailure(Call(kV1 + "ResolveAll", "{}", {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}),
                415, "unimplemented");
  ExpectFailure(harness.Send("GET", kV1 + "ResolveAll"), 405, "unimplemented");
  ExpectFailure(Call(kV1 + "ResolveAll", "{}", {{"Connect-Protocol-Version", "2"}}), 400, "invalid_argument",
                "Connect-Protocol-Version");
  EXPECT_EQ(Call(kV1 + "ResolveAll", "{}", {{"Connect-Protocol-Version", "1"}}).status, 200);
  const std::string large = R"({"context":{"a":")" + std::string(70'000, 'x') + "\"}}";
  ExpectFailure(Call(kV1 + "ResolveAll", large), 413, "resource_exhausted");
}

TEST_F(Connect, ResolveAllNamesTheTypeAndLeavesOutWhatHasNoAnswer) {
  const Reply first = Call(kV1 + "ResolveAll", R"({"context":{"tenantId":"globex"}})");
  EXPECT_EQ(
      first.body,
      R"({"flags":{"big":{"doubleValue":9007199254740993,"variant":"big","reason":"STATIC"},)"
      R"("huge":{"doubleValue":1e+30,"variant":"huge","reason":"STATIC"},)"
      R"("number":{"doubleValue":12.75,"variant":"high","reason":"STATIC"},)"
      R"("object":{"objectValue":{"limit":10,"names":["x"]},"variant":"a","reason":"STATIC"},)"
      R"("on":{"boolValue":true,"variant":"on","reason":"STATIC"},)"
      R"("pro":{"boolValue":false,"variant":"off","reason":"DEFAULT"},)"
      R"("text":{"stringValue":"r\"ed","variant":"red","reason":"STATIC"}},"metadata":{"environment":"development"}})");
  const Reply second = Call(kV2 + "ResolveAll", R"({"context":{"tenantId":"globex"}})");
  EXPECT_EQ(second.At({"flags", "off"}), R"({"reason":"DISABLED"})");
  EXPECT_EQ(second.At({"flags", "half"}), "");  // it fails
  EXPECT_EQ(Call(kV1 + "ResolveAll", R"({"context":{"tenantId":"acme"}})").At({"flags", "acmes", "boolValue"}), "true");
}

TEST_F(Connect, TheSelectorChoosesEnvironmentAndTenant) {
  harness.MakeFlag(R"({"flagKey":"staged","owner":"o","defaultEnabled":true})", "staging");
  const auto all = [&](const std::string& selector) {
    return Call(kV1 + "ResolveAll", "{}", {{"Flagd-Selector", selector}});
  };
  EXPECT_EQ(all("flagSetId=staging").At({"flags", "staged", "boolValue"}), "true");
  EXPECT_EQ(all("staging").At({"metadata", "environment"}), "staging");
  EXPECT_EQ(Call(kV1 + "ResolveAll", "{}", {{"Guidon-Environment", "staging"}}).At({"metadata", "environment"}),
            "staging");
  EXPECT_EQ(all("flagSetId=development").At({"flags", "acmes"}), "");
  EXPECT_EQ(all("flagSetId=development/acme").At({"flags", "acmes", "boolValue"}), "true");
  ExpectFailure(all("flagSetId=nowhere"), 400, "invalid_argument", "Flagd-Selector: There is no such environment");
  for (const char* selector : {"source=git", "a/b/c", "flagSetId=development/", "flagSetId=/acme"})
    ExpectFailure(all(selector), 400, "invalid_argument", "Flagd-Selector");
  ExpectFailure(Call(kV1 + "ResolveAll", R"({"context":{"tenantId":"globex"}})",
                     {{"Flagd-Selector", "flagSetId=development/acme"}}),
                403, "permission_denied", "tenantId");
  ExpectFailure(Call(kV1 + "ResolveAll", "{}", {{"Flagd-Selector", "a"}, {"Flagd-Selector", "a"}}), 400,
                "invalid_argument", "only once");
}

TEST(ConnectKeys, ATenantsKeyGetsItsOwnAndAClientsKeyWhatIsMarked) {
  Harness harness(false);
  harness.credential = harness.MakeKey(model::KeyKind::kAdmin);
  harness.MakeFlag(R"({"flagKey":"shared","owner":"o","defaultEnabled":true})");
  harness.MakeFlag(R"({"flagKey":"acmes","owner":"o","defaultEnabled":true,"tenantId":"acme"})");
  harness.MakeFlag(R"({"flagKey":"globexes","owner":"o","defaultEnabled":true,"tenantId":"globex"})");
  harness.MakeFlag(R"({"flagKey":"public","owner":"o","defaultEnabled":true,"clientVisible":true})");
  const auto flags = [&](const Headers& headers, std::string_view body = "{}") {
    const Reply reply = harness.Send("POST", kV1 + "ResolveAll", body, headers);
    std::string keys = reply.status == 200 ? "" : reply.Code();
    if (reply.status != 200) return keys;
    for (const auto& [key, flag] : *reply.Json().AsObject()->Find("flags")->AsObject()) keys += key + " ";
    return keys;
  };
  const Headers globex = Bearer(harness.MakeKey(model::KeyKind::kServer, "development", "globex"));
  EXPECT_EQ(flags(globex), "globexes public shared ");
  EXPECT_EQ(flags(globex, R"({"context":{"tenantId":"acme"}})"), "permission_denied");
  Headers other = globex;
  other.emplace_back("Flagd-Selector", "flagSetId=development/acme");
  EXPECT_EQ(flags(other), "permission_denied");
  other.back().second = "flagSetId=staging";
  EXPECT_EQ(flags(other), "permission_denied");
  EXPECT_EQ(flags(Bearer(harness.MakeKey(model::KeyKind::kClient, "development"))), "public ");
  EXPECT_EQ(flags({{"X-API-Key", "nonsense"}}), "unauthenticated");
  const Reply mine = harness.Send("POST", kV1 + "ResolveBoolean", R"({"flagKey":"acmes"})", globex);
  const Reply nobodys = harness.Send("POST", kV1 + "ResolveBoolean", R"({"flagKey":"nowhere"})", globex);
  EXPECT_EQ(mine.body, nobodys.body);
  ASSERT_TRUE(harness.app->FlushBackgroundWrites().has_value());
  const Reply audit = harness.Send("GET", "/api/v1/audit?environment=development");
  EXPECT_THAT(audit.body, HasSubstr("access.refused"));
}

TEST(ConnectFromBrowsers, PagesOfAllowedOriginsMayAskAndStream) {
  api_http::ServerOptions options;
  options.allowed_origins = {"https://shop.example"};
  Harness harness(true, options);
  const auto preflight = [&](const std::string& path, const char* origin) {
    return harness.Send("OPTIONS", path, "", {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}});
  };
  for (const std::string& path : {kV1 + "ResolveAll", kV1 + "EventStream", kV2 + "EventStream"}) {
    const Reply allowed = preflight(path, "https://shop.example");
    EXPECT_EQ(allowed.status, 204);
    EXPECT_EQ(allowed.Header("Access-Control-Allow-Origin"), "https://shop.example");
    for (const char* header : {"Connect-Protocol-Version", "Connect-Timeout-Ms", "Flagd-Selector", "Content-Type"})
      EXPECT_THAT(allowed.Header("Access-Control-Allow-Headers"), HasSubstr(header));
    EXPECT_EQ(preflight(path, "https://other.example").status, 403);
  }
  EXPECT_EQ(harness.Send("POST", kV1 + "ResolveAll", "{}", {{"Origin", "https://shop.example"}})
                .Header("Access-Control-Allow-Origin"),
            "https://shop.example");
}

TEST(ConnectWire, EnvelopesAreCheckedToTheByte) {
  const auto enveloped = [](char flags, std::string_view message) {
    return std::string{flags, 0, 0, 0, static_cast<char>(message.size())} + std::string(message);
  };
  EXPECT_TRUE(api_http::CheckStreamRequest(enveloped(0, "{}")).has_value());
  for (const std::string& wrong : {std::string(), std::string("{}"), enveloped(0, ""), enveloped(0, "[]"),
                                   enveloped(0, "{}") + "x", enveloped(0, "{}").substr(0, 6), enveloped(0, "{")})
    EXPECT_FALSE(api_http::CheckStreamRequest(wrong).has_value()) << wrong;
  EXPECT_EQ(api_http::CheckStreamRequest(enveloped(1, "{}")).error().code, base::ErrorCode::kUnsupported);
  const std::string event = api_http::FlagdEvent("keep_alive");
  EXPECT_EQ(event, enveloped(0, R"({"type":"keep_alive"})"));
  EXPECT_EQ(api_http::EndOfStream({.code = flagd_service::Code::kUnavailable, .text = "x"}),
            enveloped(2, R"({"error":{"code":"unavailable","message":"x"}})"));
  model::Object data;
  data.Set("text", std::string(70'000, 'x'));
  const std::string large = api_http::FlagdEvent("t", data);
  const std::size_t size = large.size() - 5;
  EXPECT_EQ(large.substr(0, 5),
            (std::string{0, 0, static_cast<char>(size >> 16U), static_cast<char>((size >> 8U) & 0xffU),
                         static_cast<char>(size & 0xffU)}));
}

TEST(ConnectWire, TimeoutsAreDigits) {
  EXPECT_EQ(*api_http::ParseConnectTimeout("1500"), std::chrono::milliseconds(1500));
  EXPECT_EQ(*api_http::ParseConnectTimeout("9999999999"), std::chrono::milliseconds(9'999'999'999));
  for (const char* wrong : {"", "-1", "1.5", "10000000000", "1s", " 1"})
    EXPECT_FALSE(api_http::ParseConnectTimeout(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace guidon::api_test
