// SPDX-License-Identifier: Apache-2.0
// Nothing leaks (spec 6): every route with every credential that does not fit. The table of routes is walked, so that a
// new route cannot be forgotten.
#include <map>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "guidon/api_http/route.hpp"
#include "harness.hpp"

namespace guidon::api_test {
namespace {

using api_http::BodyRule;
using api_http::Route;
using app::Permission;

constexpr std::string_view kEvaluationBody = R"({"context":{"targetingKey":"u"}})";

// Bodies that would be accepted, by route, so that a refusal is not about them.
std::string BodyOf(const Route& route) {
  if (route.path == "/api/evaluate") return R"({"tenantId":"acme","flagKey":"there"})";
  if (route.body == BodyRule::kConnectStream) return std::string("\0\0\0\0\2{}", 7);
  if (route.body == BodyRule::kEvaluation) return std::string(kEvaluationBody);
  if (route.body == BodyRule::kNone) return "";
  if (route.path.ends_with("/{scope}")) return R"({"reason":"r"})";
  if (route.path.ends_with("/{tenantId}") && route.path.contains("/overrides/")) return R"({"enabled":true})";
  if (route.path.ends_with("/import")) return R"({"flags":[]})";
  if (route.body == BodyRule::kSegmentKeys) return R"({"included":["u"]})";
  if (route.path.ends_with("/segments/{key}/keys")) return R"({"add":{"included":["u"]}})";
  if (route.path == "/api/v1/usage") return R"({"records":[]})";
  if (route.path.ends_with("/acknowledgements")) return R"({"client":"c","etag":"e"})";
  if (route.path.ends_with("/copy")) return R"({"flagKey":"copied"})";
  return "{}";
}

std::string Fill(std::string_view path, const std::map<std::string_view, std::string>& values) {
  std::string out;
  while (!path.empty()) {
    const std::size_t open = path.find('{');
    out += path.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = path.find('}');
    out += values.at(path.substr(open + 1, close - open - 1));
    path.remove_prefix(close + 1);
  }
  return out;
}

class AccessTest : public ::testing::Test {
 protected:
  AccessTest() : harness(false) {
    admin = harness.MakeKey(model::KeyKind::kAdmin);
    harness.credential = admin;
    Ok("POST", "/api/v1/tenants", R"({"tenantId":"acme"})", 201);
    Ok("POST", "/api/v1/tenants", R"({"tenantId":"globex"})", 201);
    const std::string env = "/api/v1/environments/development";
    Ok("POST", env + "/flags", R"({"flagKey":"there","owner":"o","defaultEnabled":true})", 201);
    Ok("POST", env + "/flags", R"({"flagKey":"acmes","owner":"o","tenantId":"acme","defaultEnabled":true})", 201);
    Ok("POST", env + "/segments", R"({"segmentKey":"there"})", 201);
    Ok("PUT", env + "/flags/there/overrides/acme", R"({"enabled":true})", 200);
    key_id = harness.KeyIdOf(harness.MakeKey(model::KeyKind::kServer, "development", "acme"));
    there = {{"env", "development"}, {"key", "there"},  {"tenantId", "acme"},        {"scope", "global"},
             {"keyId", key_id},      {"sequence", "1"}, {"method", "ResolveBoolean"}};
    missing = {{"env", "nowhere"},
               {"key", "missing"},
               {"tenantId", "nobody"},
               {"scope", "flag:missing"},
               {"keyId", "0000000000000000"},
               {"sequence", "999999"},
               {"method", "ResolveAll"}};
  }

  void Ok(std::string_view method, const std::string& target, std::string_view body, int status) {
    const Reply reply = harness.Send(method, target, body);
    ASSERT_EQ(reply.status, status) << target << ' ' << reply.body;
  }

  Reply Ask(const Route& route, const std::map<std::string_view, std::string>& values, const Headers& headers) {
    return harness.Send(api_http::NameOf(route.method), Fill(route.path, values), BodyOf(route), headers);
  }

  // OFREP answers name the flag that was asked for; that is no news to who asked.
  static std::string WithoutKey(std::string body) {
    for (const std::string_view key : {"there", "missing"}) {
      const std::string member = ",\"key\":\"" + std::string(key) + "\"";
      if (const std::size_t at = body.find(member); at != std::string::npos) body.erase(at, member.size());
    }
    return body;
  }

  // The same refusal for what is there and what is not.
  void ExpectRefused(const Route& route, const Headers& headers, int status) {
    SCOPED_TRACE(std::string(api_http::NameOf(route.method)) + " " + std::string(route.path));
    const Reply one = Ask(route, there, headers);
    const Reply other = Ask(route, missing, headers);
    EXPECT_EQ(WithoutKey(one.Masked()), WithoutKey(other.Masked()));
    if (route.protocol == api_http::Protocol::kConnectStream) {  // its failures are messages
      EXPECT_EQ(one.status, 200);
      EXPECT_NE(one.body.find(status == 401 ? R"({"error":{"code":"unauthenticated")"
                                            : R"({"error":{"code":"permission_denied")"),
                std::string::npos)
          << one.body;
      return;
    }
    EXPECT_EQ(one.status, status) << one.body;
    EXPECT_EQ(other.status, status) << other.body;
    if (status == 401) EXPECT_EQ(one.Header("WWW-Authenticate"), "Bearer realm=\"guidon\"");
  }

  Harness harness;
  std::string admin;
  std::string key_id;
  std::map<std::string_view, std::string> there;
  std::map<std::string_view, std::string> missing;
};

Headers Bearer(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

TEST_F(AccessTest, EveryRouteRefusesEveryCredentialThatDoesNotHold) {
  const std::string expired =
      harness.MakeKey(model::KeyKind::kAdmin, std::nullopt, std::nullopt, harness.clock.Now() + std::chrono::hours(1));
  const std::string revoked = harness.MakeKey(model::KeyKind::kAdmin);
  harness.clock.Advance(std::chrono::hours(2));
  ASSERT_TRUE(
      harness.app->keys().Revoke(harness.Administrator(), *model::KeyId::Parse(harness.KeyIdOf(revoked))).has_value());
  std::string wrong_secret = admin;
  wrong_secret.back() = wrong_secret.back() == 'A' ? 'B' : 'A';
  harness.credential.clear();
  const std::vector<std::pair<std::string, Headers>> credentials = {
      {"none", {}},
      {"garbage", Bearer("garbage")},
      {"empty", {{"Authorization", "Bearer "}}},
      {"basic", {{"Authorization", "Basic YWRtaW46YWRtaW4="}}},
      {"unknown", Bearer("gdn_admin_0123456789abcdef_" + std::string(43, 'A'))},
      {"wrong secret", Bearer(wrong_secret)},
      {"other kind", Bearer("gdn_server" + admin.substr(9))},
      {"expired", Bearer(expired)},
      {"revoked", Bearer(revoked)},
      {"as API key", {{"X-API-Key", revoked}}},
      {"two", {{"Authorization", "Bearer " + admin}, {"X-API-Key", admin}}},
      {"twice", {{"Authorization", "Bearer " + admin}, {"Authorization", "Bearer " + admin}}},
      {"long", Bearer(std::string(4000, 'x'))}};
  std::size_t guarded = 0;
  for (const auto& [name, headers] : credentials) {
    SCOPED_TRACE(name);
    for (const Route& route : api_http::Routes()) {
      if (route.permission == Permission::kPublic) continue;
      ++guarded;
      ExpectRefused(route, headers, 401);
    }
  }
  EXPECT_GE(guarded, credentials.size() * 40);
}

// One and the same body for all of them, too: nobody learns whether a key was ever valid.
TEST_F(AccessTest, RefusedCredentialsLookAlike) {
  const std::string expired =
      harness.MakeKey(model::KeyKind::kAdmin, std::nullopt, std::nullopt, harness.clock.Now() + std::chrono::hours(1));
  harness.clock.Advance(std::chrono::hours(2));
  harness.credential.clear();
  const Reply none = harness.Send("GET", "/api/v1/tenants");
  const Reply old = harness.Send("GET", "/api/v1/tenants", "", Bearer(expired));
  const Reply garbage = harness.Send("GET", "/api/v1/tenants", "", Bearer("gdn_admin_x_y"));
  EXPECT_EQ(none.Masked(), old.Masked());
  EXPECT_EQ(none.Masked(), garbage.Masked());
}

TEST_F(AccessTest, EvaluatorsKeysManageNothing) {
  for (const model::KeyKind kind : {model::KeyKind::kServer, model::KeyKind::kClient}) {
    const Headers headers = Bearer(harness.MakeKey(kind, "development"));
    for (const Route& route : api_http::Routes()) {
      if (route.permission == Permission::kPublic || route.permission == Permission::kEvaluate) continue;
      if (route.permission == Permission::kDefinitionsRead && kind == model::KeyKind::kServer) {
        EXPECT_EQ(Ask(route, there, headers).status, 200);
        continue;
      }
      ExpectRefused(route, headers, 403);
    }
  }
}

TEST_F(AccessTest, KeysOfAnotherEnvironmentAreRefused) {
  const Headers headers = Bearer(harness.MakeKey(model::KeyKind::kAdmin, "staging"));
  for (const Route& route : api_http::Routes()) {
    if (route.permission == Permission::kPublic) continue;
    if (route.permission == Permission::kEvaluate) {
      Headers other = headers;
      other.emplace_back("Guidon-Environment", "development");
      ExpectRefused(route, other, 403);
    } else if (route.permission != Permission::kAuditRead) {
      ExpectRefused(route, headers, 403);
    } else {
      EXPECT_EQ(Ask(route, there, headers).status, 200);  // of its own environment
      EXPECT_EQ(harness.Send("GET", std::string(route.path) + "?environment=development", "", headers).status, 403);
      EXPECT_EQ(harness.Send("GET", std::string(route.path) + "?environment=nowhere", "", headers).status, 403);
    }
  }
}

TEST_F(AccessTest, AServersKeyEvaluatesOnlyInItsEnvironment) {
  const std::string key = harness.MakeKey(model::KeyKind::kServer, "staging");
  EXPECT_EQ(harness.Send("POST", "/ofrep/v1/evaluate/flags/there", kEvaluationBody, Bearer(key)).status, 404);
  EXPECT_EQ(harness
                .Send("POST", "/ofrep/v1/evaluate/flags/there", kEvaluationBody,
                      {{"Authorization", "Bearer " + key}, {"Guidon-Environment", "development"}})
                .status,
            403);
  EXPECT_EQ(harness
                .Send("POST", "/api/evaluate", R"({"tenantId":"acme","flagKey":"there","environment":"development"})",
                      Bearer(key))
                .status,
            403);
}

// A tenant's administrator: whatever belongs to somebody else is refused or not found exactly as what does not exist.
TEST_F(AccessTest, AnotherTenantsThingsAreNotThere) {
  const Headers headers = Bearer(harness.MakeKey(model::KeyKind::kAdmin, std::nullopt, "globex"));
  const std::map<std::string_view, std::string> others = {{"env", "development"}, {"key", "acmes"},
                                                          {"tenantId", "acme"},   {"scope", "tenant:acme"},
                                                          {"keyId", key_id},      {"sequence", "2"}};
  const std::map<std::string_view, std::string> nothing = {{"env", "development"},
                                                           {"key", "zzzzz"},
                                                           {"tenantId", "zzzz"},
                                                           {"scope", "tenant:zzzz"},
                                                           {"keyId", std::string(key_id.size(), '0')},
                                                           {"sequence", "999999"}};
  const auto neutral = [&](std::string body) {
    for (const auto& values : {others, nothing}) {
      for (const std::string_view name : {"key", "tenantId", "keyId"}) {
        const std::string& value = values.at(name);
        for (std::size_t at = 0; (at = body.find(value)) != std::string::npos;) body.replace(at, value.size(), "_");
      }
    }
    return body;
  };
  std::size_t walked = 0;
  for (const Route& route : api_http::Routes()) {
    if (route.path.find('{') == std::string_view::npos || route.permission == Permission::kEvaluate) continue;
    if (route.path.ends_with("/flags") || route.path.ends_with("/segments") || route.path.ends_with("/overrides") ||
        route.path.ends_with("/kill-switches") || route.path.ends_with("/export") || route.path.ends_with("/import") ||
        route.path.ends_with("/events") || route.path.ends_with("{env}/usage") || route.path.ends_with("/propagation"))
      continue;  // lists and creation: below; streams: streams_test.cpp
    SCOPED_TRACE(std::string(api_http::NameOf(route.method)) + " " + std::string(route.path));
    Headers all = headers;
    all.emplace_back("If-Match", "*");
    const Reply one = Ask(route, others, all);
    const Reply other = Ask(route, nothing, all);
    EXPECT_GE(one.status, 400) << one.body;
    EXPECT_EQ(one.status, other.status) << one.body << other.body;
    EXPECT_EQ(neutral(one.Masked()), neutral(other.Masked()));
    ++walked;
  }
  EXPECT_GE(walked, 20U);
}

TEST_F(AccessTest, ListsOfATenantsAdministratorHoldOnlyItsThings) {
  const std::string globex = harness.MakeKey(model::KeyKind::kAdmin, std::nullopt, "globex");
  const Headers headers = Bearer(globex);
  const Reply keys = harness.Send("GET", "/api/v1/keys", "", headers);
  ASSERT_EQ(keys.status, 200) << keys.body;
  EXPECT_EQ(keys.body.find(key_id), std::string::npos);
  EXPECT_NE(keys.body.find(harness.KeyIdOf(globex)), std::string::npos);
  const Reply tenants = harness.Send("GET", "/api/v1/tenants", "", headers);
  EXPECT_EQ(tenants.body.find("acme"), std::string::npos) << tenants.body;
  EXPECT_NE(tenants.body.find("globex"), std::string::npos);
  const Reply flags = harness.Send("GET", "/api/v1/environments/development/flags", "", headers);
  EXPECT_EQ(flags.body.find("acmes"), std::string::npos) << flags.body;
  const Reply audit = harness.Send("GET", "/api/v1/audit", "", headers);
  ASSERT_EQ(audit.status, 200);
  EXPECT_EQ(audit.body.find("acme"), std::string::npos) << audit.body;
  // Chains are over all tenants: numbers and times of others, and proof of nothing for one.
  const Reply verified = harness.Send("GET", "/api/v1/audit/verify", "", headers);
  EXPECT_EQ(verified.status, 403) << verified.body;
  EXPECT_NE(verified.body.find("bound to a tenant"), std::string::npos) << verified.body;
}

TEST_F(AccessTest, AnEnvironmentsAdministratorVerifiesItsChainOnly) {
  const Headers headers = Bearer(harness.MakeKey(model::KeyKind::kAdmin, "development", std::nullopt));
  const Reply own = harness.Send("GET", "/api/v1/audit/verify", "", headers);
  ASSERT_EQ(own.status, 200) << own.body;
  EXPECT_NE(own.body.find("development"), std::string::npos);
  EXPECT_EQ(own.body.find("production"), std::string::npos) << own.body;
  EXPECT_EQ(harness.Send("GET", "/api/v1/audit/verify?environment=production", "", headers).status,
            harness.Send("GET", "/api/v1/audit?environment=production", "", headers).status);
  EXPECT_GE(harness.Send("GET", "/api/v1/audit/verify?environment=production", "", headers).status, 400);
}

TEST_F(AccessTest, ATenantsKeyFixesTheTenantAndAnotherOneIsRefusedAndAudited) {
  const Headers headers = Bearer(harness.MakeKey(model::KeyKind::kServer, "development", "globex"));
  ASSERT_EQ(harness
                .Send("PUT", "/api/v1/environments/development/flags/there/overrides/globex", R"({"enabled":false})",
                      Bearer(admin))
                .status,
            200);
  const Reply own = harness.Send("POST", "/ofrep/v1/evaluate/flags/there", kEvaluationBody, headers);
  EXPECT_EQ(own.At({"value"}), "false") << own.body;  // the tenant's override, though the context named none
  const Reply said =
      harness.Send("POST", "/ofrep/v1/evaluate/flags/there", R"({"context":{"tenantId":"globex"}})", headers);
  EXPECT_EQ(said.At({"value"}), "false");
  const Reply other =
      harness.Send("POST", "/ofrep/v1/evaluate/flags/there", R"({"context":{"tenantId":"acme"}})", headers);
  EXPECT_EQ(other.status, 403);
  EXPECT_EQ(other.At({"errorCode"}), "GENERAL");
  EXPECT_EQ(harness.Send("POST", "/ofrep/v1/evaluate/flags", R"({"context":{"tenantId":"acme"}})", headers).status,
            403);
  EXPECT_EQ(harness.Send("POST", "/api/evaluate", R"({"tenantId":"acme","flagKey":"there"})", headers).status, 403);
  ASSERT_TRUE(harness.app->FlushBackgroundWrites().has_value());
  const Reply audit = harness.Send("GET", "/api/v1/audit?environment=development", "", Bearer(admin));
  EXPECT_NE(audit.body.find("\"action\":\"access.refused\""), std::string::npos) << audit.body;
}

TEST_F(AccessTest, AKeyThatIsRevokedOrExpiresOnAnOpenConnectionEnds) {
  const std::string expires = harness.MakeKey(model::KeyKind::kServer, "development", std::nullopt,
                                              harness.clock.Now() + std::chrono::hours(1));
  const std::string revoked = harness.MakeKey(model::KeyKind::kServer, "development");
  for (const std::string& token : {expires, revoked}) {
    api_http::Session session(*harness.api, *harness.io, "10.0.0.1");
    const std::string request =
        RequestText("POST", "/ofrep/v1/evaluate/flags/there", kEvaluationBody, {{"X-API-Key", token}});
    ASSERT_EQ(ParseReplies(Harness::Drive(session, request))[0].status, 200);
    if (token == revoked) {
      const auto id = *model::KeyId::Parse(harness.KeyIdOf(token));
      ASSERT_TRUE(harness.app->keys().Revoke(harness.Administrator(), id).has_value());
    } else {
      harness.clock.Advance(std::chrono::hours(1));
    }
    EXPECT_EQ(ParseReplies(Harness::Drive(session, request))[0].status, 401);
  }
}

TEST_F(AccessTest, ReadinessTellsDetailsOnlyToWhoMaySeeThem) {
  harness.credential.clear();
  EXPECT_EQ(harness.Send("GET", "/readyz").body, R"({"ready":true})");
  const Headers server = Bearer(harness.MakeKey(model::KeyKind::kServer, "development"));
  EXPECT_EQ(harness.Send("GET", "/readyz", "", server).body, R"({"ready":true})");
  EXPECT_EQ(harness.Send("GET", "/readyz", "", Bearer(admin)).At({"store", "ok"}), "true");
}

TEST(LocalProfile, NeedsNoKeyAndRefusesOtherSites) {
  Harness harness;
  EXPECT_EQ(harness.Send("GET", "/api/v1/tenants").status, 200);
  for (const char* host : {"localhost", "localhost:3001", "127.0.0.1:9", "[::1]:3001", "LOCALHOST:80"})
    EXPECT_EQ(harness.Send("GET", "/api/v1/tenants", "", {{"Host", host}}).status, 200) << host;
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example:3001", "10.0.0.1", ""}) {
    const Reply reply = harness.Send("GET", "/api/v1/tenants", "", {{"Host", host}});
    EXPECT_EQ(reply.status, 421) << host;
    EXPECT_EQ(reply.Code(), "MISDIRECTED_REQUEST");
  }
  EXPECT_EQ(harness.Send("GET", "/api/v1/tenants", "", {{"Origin", "http://127.0.0.1:3001"}}).status, 200);
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:8080", "https://127.0.0.1", "file://"})
    EXPECT_EQ(harness.Send("GET", "/api/v1/tenants", "", {{"Origin", origin}}).status, 403) << origin;
}

TEST(LocalProfile, AWrongKeyIsWrongThereToo) {
  Harness harness;
  EXPECT_EQ(harness.Send("GET", "/api/v1/tenants", "", {{"Authorization", "Bearer nonsense"}}).status, 401);
}

TEST(LocalProfile, OnlyTheLoopbackAddressNeedsNoKey) {
  Harness harness;
  api_http::Session session(*harness.api, *harness.io, "192.168.1.7");
  const auto replies = ParseReplies(Harness::Drive(session, RequestText("GET", "/api/v1/tenants")));
  EXPECT_EQ(replies.at(0).status, 401);
}

TEST(LocalProfile, ConfiguredHostsAreAllowed) {
  Harness harness(true, {.allowed_hosts = {"flags.internal"}});
  EXPECT_EQ(harness.Send("GET", "/healthz", "", {{"Host", "flags.internal:3001"}}).status, 200);
}

TEST(Cors, IsOffUnlessConfiguredAndThenOnlyForEvaluation) {
  Harness off(false);
  const Headers origin = {{"Origin", "https://app.example"}, {"Access-Control-Request-Method", "POST"}};
  EXPECT_EQ(off.Send("OPTIONS", "/ofrep/v1/evaluate/flags", "", origin).Header("Access-Control-Allow-Origin"), "");
  Harness on(false, {.allowed_origins = {"https://app.example"}});
  const Reply preflight = on.Send("OPTIONS", "/ofrep/v1/evaluate/flags", "", origin);
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.Header("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_NE(preflight.Header("Access-Control-Allow-Headers").find("Authorization"), std::string::npos);
  const std::string key = on.MakeKey(model::KeyKind::kClient, "development");
  const Reply bulk = on.Send("POST", "/ofrep/v1/evaluate/flags", "{}",
                             {{"Origin", "https://app.example"}, {"Authorization", "Bearer " + key}});
  EXPECT_EQ(bulk.status, 200);
  EXPECT_EQ(bulk.Header("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_NE(bulk.Header("Access-Control-Expose-Headers").find("ETag"), std::string::npos);
  EXPECT_EQ(on.Send("OPTIONS", "/api/v1/tenants", "", origin).Header("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(on.Send("OPTIONS", "/ofrep/v1/evaluate/flags", "", {{"Origin", "https://evil.example"}})
                .Header("Access-Control-Allow-Origin"),
            "");
}

}  // namespace
}  // namespace guidon::api_test
