// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/evaluation.hpp"

#include <cstdlib>
#include <functional>
#include <new>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "guidon/json/model_json.hpp"
#include "harness.hpp"

// Sanitizers bring their own allocator, and replacing only a part of it is an error to them.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define GUIDON_TEST_OWN_ALLOCATOR 0
#endif
#endif
#ifndef GUIDON_TEST_OWN_ALLOCATOR
#define GUIDON_TEST_OWN_ALLOCATOR 1
#endif

namespace {
// Counts what one thread allocates while it is asked to.
thread_local bool counting = false;
thread_local std::size_t allocations = 0;
}  // namespace

#if GUIDON_TEST_OWN_ALLOCATOR
void* operator new(std::size_t size) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace guidon::api_test {
namespace {

constexpr std::string_view kOne = "/ofrep/v1/evaluate/flags/";
constexpr std::string_view kAll = "/ofrep/v1/evaluate/flags";
constexpr std::string_view kUser = R"({"context":{"targetingKey":"u-1","tenantId":"acme"}})";
const std::string kEnv = "/api/v1/environments/development";

class OfrepTest : public ::testing::Test {
 protected:
  Reply One(std::string_view key, std::string_view body = kUser, const Headers& headers = {}) {
    return harness.Send("POST", std::string(kOne) + std::string(key), body, headers);
  }
  Reply All(std::string_view body = kUser, const Headers& headers = {}) {
    return harness.Send("POST", kAll, body, headers);
  }
  Harness harness;
};

TEST_F(OfrepTest, ServesEveryType) {
  harness.MakeFlag(R"({"flagKey":"b","owner":"o","defaultEnabled":true})");
  harness.MakeFlag(
      R"({"flagKey":"s","owner":"o","type":"string","defaultEnabled":true,"variations":{"a":"x\"y","z":""},"defaultVariation":"a","offVariation":"z"})");
  harness.MakeFlag(
      R"({"flagKey":"n","owner":"o","type":"number","defaultEnabled":true,"variations":{"a":1.5,"z":0},"defaultVariation":"a","offVariation":"z"})");
  harness.MakeFlag(
      R"({"flagKey":"j","owner":"o","type":"object","defaultEnabled":true,"variations":{"a":{"k":[1,{"m":null}]},"z":{}},"defaultVariation":"a","offVariation":"z"})");
  EXPECT_EQ(One("b").body, R"({"key":"b","value":true,"variant":"on","reason":"STATIC"})");
  EXPECT_EQ(One("s").body, R"({"key":"s","value":"x\"y","variant":"a","reason":"STATIC"})");
  EXPECT_EQ(One("n").body, R"({"key":"n","value":1.5,"variant":"a","reason":"STATIC"})");
  EXPECT_EQ(One("j").body, R"({"key":"j","value":{"k":[1,{"m":null}]},"variant":"a","reason":"STATIC"})");
}

TEST_F(OfrepTest, ServesTheMetadataOfTheFlag) {
  harness.MakeFlag(
      R"({"flagKey":"m","owner":"o","defaultEnabled":true,"metadata":{"team":"search \"x\"","tier":2,"ruleId":"mine"}})");
  EXPECT_EQ(One("m").body,
            R"({"key":"m","value":true,"variant":"on","reason":"STATIC","metadata":{"team":"search \"x\"","tier":2}})");
  const std::string etag = All().Header("ETag");
  EXPECT_EQ(All().At({"flags", "0", "metadata", "tier"}), "2");
  EXPECT_EQ(harness
                .Send("PATCH", kEnv + "/flags/m", R"({"metadata":{"tier":3}})",
                      {{"If-Match", "*"}, {"Content-Type", "application/merge-patch+json"}})
                .status,
            200);
  EXPECT_NE(All().Header("ETag"), etag);
}

TEST_F(OfrepTest, UnknownFlagIsNotFound) {
  const Reply reply = One("nope");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.At({"errorCode"}), "FLAG_NOT_FOUND");
  EXPECT_EQ(reply.At({"key"}), "nope");
  EXPECT_EQ(One("no%20%22such").At({"key"}), "no \"such");
}

TEST_F(OfrepTest, BodiesThatCannotBeUsedHaveTheProtocolsCodes) {
  harness.MakeFlag(R"({"flagKey":"b","owner":"o"})");
  for (const std::string_view body :
       {"", "{", "[]", "\"x\"", R"({"context":{"a":1,"a":2}})", "{\"context\":{\"a\":\"\xff\"}}"}) {
    const Reply reply = One("b", body, {{"Content-Type", "application/json"}});
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.At({"errorCode"}), "PARSE_ERROR") << body << reply.body;
    EXPECT_EQ(reply.At({"key"}), "b");
    EXPECT_EQ(All(body, {{"Content-Type", "application/json"}}).status, 400) << body;
  }
  for (const std::string_view body :
       {R"({"context":7})", R"({"context":{"targetingKey":7}})", R"({"context":{"tenantId":"a#b"}})"}) {
    const Reply reply = One("b", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.At({"errorCode"}), "INVALID_CONTEXT") << body << reply.body;
    EXPECT_NE(reply.At({"errorDetails"}), "");
  }
  EXPECT_EQ(One("b", R"({"context":{},"more":1})").status, 200);  // the protocol ignores what it does not know
}

TEST_F(OfrepTest, TransportRefusalsHaveOfrepBodies) {
  harness.MakeFlag(R"({"flagKey":"b","owner":"o"})");
  EXPECT_EQ(One("b", "{}", {{"Content-Type", "text/plain"}}).status, 415);
  const Reply large = One("b", std::string(70'000, ' '));
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.At({"errorCode"}), "GENERAL");
  EXPECT_EQ(large.Header("Connection"), "close");
  const Reply get = harness.Send("GET", std::string(kOne) + "b");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(get.Header("Allow"), "POST, OPTIONS");
  const Reply bad_path = harness.Send("POST", std::string(kOne) + "%zz", "{}");
  EXPECT_EQ(bad_path.status, 400);
}

TEST_F(OfrepTest, MissingUnitIsAnErrorOfTheFlag) {
  harness.MakeFlag(R"({"flagKey":"split","owner":"o","defaultEnabled":true,"rolloutPercentage":50})");
  const Reply reply = One("split", "{}");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.At({"errorCode"}), "TARGETING_KEY_MISSING");
  EXPECT_EQ(One("split").At({"reason"}), "SPLIT");
  const Reply all = All("{}");
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.At({"flags", "0", "errorCode"}), "TARGETING_KEY_MISSING");
}

TEST_F(OfrepTest, KillSwitchIsSeenAtTheNextCallAndSaysSo) {
  harness.MakeFlag(R"({"flagKey":"b","owner":"o","defaultEnabled":true})");
  ASSERT_EQ(One("b").At({"value"}), "true");
  ASSERT_EQ(harness.Send("PUT", kEnv + "/kill-switches/flag%3Ab", R"({"reason":"fire"})").status, 200);
  const Reply killed = One("b");
  EXPECT_EQ(killed.body,
            R"({"key":"b","value":false,"variant":"off","reason":"DISABLED","metadata":{"killSwitch":"flag:b"}})");
  ASSERT_EQ(harness.Send("DELETE", kEnv + "/kill-switches/flag:b?reason=out").status, 204);
  EXPECT_EQ(One("b").At({"value"}), "true");
}

TEST_F(OfrepTest, NoValueMeansTheCodesDefault) {
  harness.MakeFlag(R"({"flagKey":"b","owner":"o","defaultEnabled":true,"state":"DISABLED"})");
  EXPECT_EQ(One("b").body, R"({"key":"b","reason":"DISABLED"})");
}

TEST_F(OfrepTest, MetadataNamesRuleAndExpiry) {
  harness.MakeFlag(R"({"flagKey":"r","owner":"o","targetingRules":[{"id":"all","everyone":true,"variation":"on"}]})");
  harness.MakeFlag(R"({"flagKey":"x","owner":"o","defaultEnabled":true,"expiresAt":"2026-11-22T04:30:00Z"})");
  EXPECT_EQ(One("r").At({"metadata", "ruleId"}), "all");
  EXPECT_EQ(One("x").At({"value"}), "true");
  harness.clock.Advance(std::chrono::hours(1));
  const Reply expired = One("x");
  EXPECT_EQ(expired.At({"value"}), "false");
  EXPECT_EQ(expired.At({"metadata", "expired"}), "true");
}

TEST_F(OfrepTest, EnvironmentOfTheLocalProfileIsTheHeadersOrTheDefault) {
  harness.MakeFlag(R"({"flagKey":"only-staging","owner":"o"})", "staging");
  EXPECT_EQ(One("only-staging").status, 404);
  EXPECT_EQ(One("only-staging", kUser, {{"Guidon-Environment", "staging"}}).status, 200);
  const Reply unknown = One("only-staging", kUser, {{"Guidon-Environment", "mars"}});
  EXPECT_EQ(unknown.status, 400);
  EXPECT_NE(unknown.At({"errorDetails"}).find("Guidon-Environment"), std::string::npos);
}

TEST_F(OfrepTest, BulkHasAnEntityTagOfWhatWasEvaluated) {
  harness.MakeFlag(R"({"flagKey":"a","owner":"o","defaultEnabled":true})");
  harness.MakeFlag(R"({"flagKey":"b","owner":"o","defaultEnabled":true})");
  ASSERT_EQ(harness.Send("PUT", kEnv + "/flags/a/overrides/globex", R"({"enabled":true})").status, 200);
  const Reply first = All();
  ASSERT_EQ(first.status, 200);
  constexpr std::string_view kAnswer =
      R"({"flags":[{"key":"a","value":true,"variant":"on","reason":"DEFAULT"},{"key":"b","value":true,"variant":"on","reason":"STATIC"}],"metadata":{"environment":"development"},"eventStreams":[)";
  EXPECT_EQ(first.body.substr(0, kAnswer.size()), kAnswer);
  const std::string tag = first.Header("ETag");
  ASSERT_EQ(tag.size(), 34U);
  const Reply same = All(kUser, {{"If-None-Match", tag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.Header("ETag"), tag);
  EXPECT_EQ(All(kUser, {{"If-None-Match", "W/" + tag}}).status, 304);
  EXPECT_EQ(All(kUser, {{"If-None-Match", "\"x\", " + tag}}).status, 304);
  EXPECT_EQ(All(kUser, {{"If-None-Match", "\"x\""}}).status, 200);
  // A change that no value shows to this context leaves the tag; one that does changes it, and back again.
  ASSERT_EQ(harness.Send("PUT", kEnv + "/flags/a/overrides/globex", R"({"enabled":false})").status, 200);
  EXPECT_EQ(All().Header("ETag"), tag);
  ASSERT_EQ(harness.Send("PUT", kEnv + "/kill-switches/global", R"({"reason":"r"})").status, 200);
  const Reply killed = All(kUser, {{"If-None-Match", tag}});
  EXPECT_EQ(killed.status, 200);
  EXPECT_NE(killed.Header("ETag"), tag);
  ASSERT_EQ(harness.Send("DELETE", kEnv + "/kill-switches/global").status, 204);
  EXPECT_EQ(All().Header("ETag"), tag);
  EXPECT_NE(All(kUser, {{"Guidon-Environment", "staging"}}).Header("ETag"), tag);
}

TEST_F(OfrepTest, BulkTakesWhatAChangeEventSays) {
  const std::string all(kAll);
  EXPECT_EQ(harness.Send("POST", all + "?flagConfigEtag=x&flagConfigLastModified=1771622898", "{}").status, 200);
  EXPECT_EQ(harness.Send("POST", all + "?flagConfigLastModified=2026-02-20T21:28:18Z&other=1", "{}").status, 200);
  EXPECT_EQ(harness.Send("POST", all + "?flagConfigLastModified=yesterday", "{}").status, 400);
}

TEST_F(OfrepTest, ClientKeysSeeOnlyWhatIsMarkedForClients) {
  harness.MakeFlag(R"({"flagKey":"open","owner":"o","defaultEnabled":true,"clientVisible":true})");
  harness.MakeFlag(R"({"flagKey":"inner","owner":"o","defaultEnabled":true})");
  const Headers client = {{"X-API-Key", harness.MakeKey(model::KeyKind::kClient, "development")}};
  EXPECT_EQ(One("open", kUser, client).status, 200);
  const Reply hidden = One("inner", kUser, client);
  EXPECT_EQ(hidden.status, 404);
  std::string as_missing = One("other", kUser, client).body;
  as_missing.replace(as_missing.find("other"), 5, "inner");
  EXPECT_EQ(hidden.body, as_missing);
  EXPECT_EQ(All(kUser, client).body.find("inner"), std::string::npos);
  EXPECT_EQ(One("inner", kUser, {{"X-API-Key", harness.MakeKey(model::KeyKind::kServer, "development")}}).status, 200);
}

TEST_F(OfrepTest, AnotherTenantsFlagIsNotFoundAndNotInTheBulk) {
  ASSERT_EQ(harness.Send("POST", "/api/v1/tenants", R"({"tenantId":"acme"})").status, 201);
  harness.MakeFlag(R"({"flagKey":"own","owner":"o","tenantId":"acme","defaultEnabled":true})");
  EXPECT_EQ(One("own").status, 200);
  EXPECT_EQ(One("own", R"({"context":{"tenantId":"globex"}})").status, 404);
  EXPECT_EQ(One("own", "{}").status, 404);
  EXPECT_EQ(All(R"({"context":{"tenantId":"globex"}})").At({"flags"}), "[]");
}

TEST_F(OfrepTest, WithoutAnnotationsTheBytesAreTheSame) {
  harness.MakeFlag(
      R"({"flagKey":"s","owner":"o","type":"string","defaultEnabled":true,"variations":{"a":"é\n","z":""},"defaultVariation":"a","offVariation":"z"})");
  const Reply with = One("s");
  app::ApplicationOptions options = harness.app->options();
  options.compile = {};
  auto plain = *app::Application::Open(harness.table, harness.clock, options);
  api_http::Api api(*plain, harness.table, harness.options);
  api_http::IoState io(api);
  api_http::Session session(api, io, "127.0.0.1");
  const auto replies = ParseReplies(Harness::Drive(session, RequestText("POST", std::string(kOne) + "s", kUser)));
  EXPECT_EQ(replies.at(0).body, with.body);
}

std::size_t AllocationsOf(const std::function<void()>& what) {
  allocations = 0;
  counting = true;
  what();
  counting = false;
  return allocations;
}

// Parsing the context allocates; everything else on the way of one evaluation reuses its memory.
TEST_F(OfrepTest, AnEvaluationAllocatesOnlyForItsContext) {
  if (!GUIDON_TEST_OWN_ALLOCATOR) GTEST_SKIP() << "allocations are the sanitizer's";
  harness.MakeFlag(R"({"flagKey":"new-checkout-of-the-web-shop","owner":"o","defaultEnabled":true})");
  const std::string body = R"({"context":{"targetingKey":"u-1","plan":"a plan with a long name"}})";
  const std::string request = RequestText("POST", std::string(kOne) + "new-checkout-of-the-web-shop", body);
  api_http::Session session(*harness.api, *harness.io, "127.0.0.1");
  for (int warm = 0; warm < 3; ++warm) Harness::Drive(session, request);
  const std::size_t parsing = AllocationsOf([&] { (void)json::ContextFromOfrepBody(body); });
  api_http::Session::Step step = api_http::Session::Step::kRead;
  const std::size_t whole = AllocationsOf([&] {
    const auto room = session.Prepare();
    std::copy(request.begin(), request.end(), room.begin());
    session.Commit(request.size());
    step = session.Advance();
  });
  EXPECT_EQ(step, api_http::Session::Step::kWrite);
  EXPECT_NE(session.output().find(R"("value":true)"), std::string::npos);
  EXPECT_EQ(whole, parsing);
}

class SmallTest : public OfrepTest {
 protected:
  Reply Ask(std::string_view body) { return harness.Send("POST", "/api/evaluate", body); }
};

TEST_F(SmallTest, SaysWhetherAndWhy) {
  harness.MakeFlag(R"({"flagKey":"b","owner":"o","defaultEnabled":true})");
  const std::string_view ask = R"({"tenantId":"acme","flagKey":"b"})";
  EXPECT_EQ(
      Ask(ask).body,
      R"({"enabled":true,"flagKey":"b","tenantId":"acme","reason":"STATIC","variation":"on","environment":"development","evaluatedAt":"2026-11-22T04:23:00.123Z","source":"default"})");
  ASSERT_EQ(harness.Send("PUT", kEnv + "/flags/b/overrides/acme", R"({"enabled":false})").status, 200);
  const Reply overridden = Ask(ask);
  EXPECT_EQ(overridden.At({"enabled"}), "false");
  EXPECT_EQ(overridden.At({"source"}), "override");
  ASSERT_EQ(harness.Send("PUT", kEnv + "/kill-switches/tenant:acme", R"({"reason":"r"})").status, 200);
  EXPECT_EQ(Ask(ask).At({"source"}), "killSwitch");
}

TEST_F(SmallTest, RefusesByName) {
  harness.MakeFlag(R"({"flagKey":"b","owner":"o","defaultEnabled":true})");
  const auto field = [&](std::string_view body, int status) {
    const Reply reply = Ask(body);
    EXPECT_EQ(reply.status, status) << body << reply.body;
    return reply.At({"field"});
  };
  EXPECT_EQ(field(R"({"flagKey":"b"})", 400), "tenantId");
  EXPECT_EQ(field(R"({"tenantId":"acme"})", 400), "flagKey");
  EXPECT_EQ(field(R"({"tenantId":"a#","flagKey":"b"})", 400), "tenantId");
  EXPECT_EQ(field(R"({"tenantId":"acme","flagKey":"b","user":"x"})", 400), "user");
  EXPECT_EQ(field(R"({"tenantId":"acme","flagKey":7})", 400), "flagKey");
  EXPECT_EQ(field(R"({"tenantId":"acme","flagKey":"b","environment":"mars"})", 400), "environment");
  EXPECT_EQ(field(R"({"tenantId":"acme","flagKey":"none"})", 404), "flagKey");
  EXPECT_EQ(harness.Send("POST", "/api/evaluate?x=1", R"({"tenantId":"acme","flagKey":"b"})").At({"field"}), "x");
}

TEST(EvaluationTag, DependsOnEverythingThatIsShown) {
  Harness harness;
  harness.MakeFlag(R"({"flagKey":"b","owner":"o","defaultEnabled":true})");
  const auto snapshot = harness.app->snapshots().Find("development")->Get();
  const eval::CompiledFlag* flag = snapshot->Find("b");
  eval::Evaluation base = eval::Evaluate(*snapshot, *flag, {}, harness.clock.Now());
  const auto tag = [](const eval::Evaluation& evaluation) {
    api_http::EvaluationTag text("e");
    text.Add(evaluation);
    return text.Text();
  };
  std::set<std::string> tags = {tag(base)};
  EXPECT_EQ(tag(base), *tags.begin());
  eval::Evaluation changed = base;
  changed.reason = model::Reason::kDefault;
  EXPECT_TRUE(tags.insert(tag(changed)).second);
  changed = base;
  changed.expired = true;
  EXPECT_TRUE(tags.insert(tag(changed)).second);
  changed = base;
  changed.stale = true;
  EXPECT_TRUE(tags.insert(tag(changed)).second);
  changed = base;
  changed.rule_id = "rule";
  EXPECT_TRUE(tags.insert(tag(changed)).second);
  changed = base;
  changed.kill_switch = "rule";
  EXPECT_TRUE(tags.insert(tag(changed)).second);
  changed = base;
  changed.variation = nullptr;
  EXPECT_TRUE(tags.insert(tag(changed)).second);
}

}  // namespace
}  // namespace guidon::api_test
