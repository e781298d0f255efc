// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "guidon/api_http/route.hpp"
#include "guidon/api_http/text.hpp"
#include "guidon/base/percent_encoding.hpp"
#include "harness.hpp"

namespace guidon::api_test {
namespace {

TEST(System, LivenessAndLandingPage) {
  Harness harness(false);
  EXPECT_EQ(harness.Send("GET", "/healthz").body, R"({"status":"ok","version":")" GUIDON_VERSION R"("})");
  const Reply page = harness.Send("GET", "/");
  EXPECT_EQ(page.Header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("lang=\"ja\""), std::string::npos);
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
}

TEST(System, ReadinessHasEachDependency) {
  Harness harness;
  harness.MakeFlag(R"({"flagKey":"f","owner":"o"})");
  harness.clock.Advance(std::chrono::seconds(5));
  const Reply reply = harness.Send("GET", "/readyz");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.At({"ready"}), "true");
  EXPECT_EQ(reply.At({"store", "ok"}), "true");
  EXPECT_EQ(reply.At({"environments", "0", "environment"}), "development");
  EXPECT_EQ(reply.At({"environments", "0", "flags"}), "1");
  EXPECT_EQ(reply.At({"environments", "0", "sequence"}), "1");
  EXPECT_EQ(reply.At({"environments", "0", "ageSeconds"}), "5");
}

TEST(System, ANodeOutOfTouchSaysHowOldItsSnapshotIs) {
  Harness harness;
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  ASSERT_TRUE(harness.app->Follow());
  harness.app->contact().Follow(std::chrono::seconds(3));
  harness.clock.Advance(std::chrono::seconds(3));
  Reply reply = harness.Send("POST", "/ofrep/v1/evaluate/flags/f", "{}");
  EXPECT_EQ(reply.Header("Guidon-Snapshot-Age"), "");
  EXPECT_EQ(reply.At({"metadata", "snapshotAgeSeconds"}), "");
  const std::string tag = harness.Send("POST", "/ofrep/v1/evaluate/flags", "{}").Header("ETag");

  harness.clock.Advance(std::chrono::seconds(4));
  reply = harness.Send("POST", "/ofrep/v1/evaluate/flags/f", "{}");
  EXPECT_EQ(reply.Header("Guidon-Snapshot-Age"), "7");
  EXPECT_EQ(reply.At({"metadata", "snapshotAgeSeconds"}), "7");
  EXPECT_EQ(reply.At({"reason"}), "STATIC");
  reply = harness.Send("POST", "/ofrep/v1/evaluate/flags", "{}");
  EXPECT_EQ(reply.At({"metadata", "snapshotAgeSeconds"}), "7");
  EXPECT_EQ(reply.Header("ETag"), tag) << "the age is no change of what is served";
  reply = harness.Send("POST", "/api/evaluate", R"({"tenantId":"t","flagKey":"f"})");
  EXPECT_EQ(reply.Header("Guidon-Snapshot-Age"), "7");
  reply = harness.Send("GET", "/readyz");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.At({"store", "snapshotAgeSeconds"}), "7");
  EXPECT_NE(reply.At({"environments", "0", "confirmedAt"}), "");
  reply = harness.Send("GET", "/metrics");
  EXPECT_NE(reply.body.find("guidon_store_silence_seconds 7\n"), std::string::npos);
  EXPECT_NE(reply.body.find("guidon_store_in_touch 1\n"), std::string::npos);

  ASSERT_TRUE(harness.app->Follow());
  EXPECT_EQ(harness.Send("POST", "/ofrep/v1/evaluate/flags/f", "{}").Header("Guidon-Snapshot-Age"), "");
}

TEST(System, EvaluationsAskTheStoreForNothing) {
  Harness harness;
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  const auto calls = [&] {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < store::kTableOperationCount; ++i)
      sum += harness.table.FiguresOf(static_cast<store::TableOperation>(i)).calls;
    return sum;
  };
  const std::uint64_t before = calls();
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(harness.Send("POST", "/ofrep/v1/evaluate/flags/f", R"({"context":{"targetingKey":"u"}})").status, 200);
    EXPECT_EQ(harness.Send("POST", "/ofrep/v1/evaluate/flags/none", "{}").status, 404);
    EXPECT_EQ(harness.Send("POST", "/ofrep/v1/evaluate/flags", "{}").status, 200);
    EXPECT_EQ(harness.Send("POST", "/api/evaluate", R"({"tenantId":"t","flagKey":"f"})").status, 200);
  }
  EXPECT_EQ(calls(), before);
}

TEST(System, MetricsCountWhatHappened) {
  Harness harness;
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  harness.Send("POST", "/ofrep/v1/evaluate/flags/f", "{}");
  harness.Send("POST", "/ofrep/v1/evaluate/flags/f", "{}");
  harness.Send("POST", "/ofrep/v1/evaluate/flags/none", "{}");
  harness.Send("GET", "/nothing");
  const Reply reply = harness.Send("GET", "/metrics");
  ASSERT_EQ(reply.status, 200);
  const auto has = [&](std::string_view line) {
    EXPECT_NE(reply.body.find(line), std::string::npos) << line << "\n" << reply.body;
  };
  has(R"(guidon_http_requests_total{route="/ofrep/v1/evaluate/flags/{key}",method="POST",status="2xx"} 2)");
  has(R"(guidon_http_requests_total{route="/ofrep/v1/evaluate/flags/{key}",method="POST",status="4xx"} 1)");
  has(R"(guidon_http_requests_total{route="none",method="none",status="4xx"} 1)");
  has(R"(guidon_http_request_duration_seconds_count{route="/ofrep/v1/evaluate/flags/{key}",method="POST"} 3)");
  has(R"(guidon_evaluations_total{reason="STATIC"} 2)");
  has(R"(guidon_evaluation_errors_total{code="FLAG_NOT_FOUND"} 1)");
  has(R"(guidon_store_calls_total{operation="TransactWriteItems"} 1)");
  has(R"(guidon_changes_total 1)");
  has(R"(guidon_snapshot_flags{environment="development"} 1)");
  has(R"(guidon_snapshot_sequence{environment="development"} 1)");
  has("process_resident_memory_bytes ");
  has("process_open_fds ");
  has("process_start_time_seconds ");
}

TEST(System, ShowsTheSettingsThatItWasGiven) {
  Harness without;
  EXPECT_EQ(without.Send("GET", "/api/v1/configuration").body, R"({"settings":[]})");
  Harness harness(true, {.settings = [] {
                    return std::vector<api_http::EffectiveSetting>{
                        {.name = "log.level", .value = "debug", .origin = "environment", .source = "GUIDON_LOG_LEVEL"},
                        {.name = "listen", .value = "127.0.0.1:3001", .origin = "default", .source = ""}};
                  }});
  EXPECT_EQ(harness.Send("GET", "/api/v1/configuration").body,
            R"({"settings":[{"name":"log.level","origin":"environment","source":"GUIDON_LOG_LEVEL","value":"debug"},)"
            R"({"name":"listen","origin":"default","value":"127.0.0.1:3001"}]})");
}

TEST(System, RefreshReportsDifferences) {
  Harness harness;
  EXPECT_EQ(harness.Send("POST", "/api/v1/refresh").body, R"({"differences":0})");
}

TEST(Router, FindsWhatThereIsAndNothingElse) {
  const api_http::Router router;
  const auto at = [&](api_http::Method method, std::string_view path) {
    const auto match = router.Find(method, path);
    return match.route == nullptr ? std::string_view("-") : match.route->path;
  };
  EXPECT_EQ(at(api_http::Method::kGet, "/"), "/");
  EXPECT_EQ(at(api_http::Method::kGet, "/x"), "-");
  EXPECT_EQ(at(api_http::Method::kGet, ""), "-");
  EXPECT_EQ(at(api_http::Method::kHead, "/healthz"), "/healthz");
  EXPECT_EQ(at(api_http::Method::kGet, "/healthz/"), "-");
  EXPECT_EQ(at(api_http::Method::kGet, "/api/v1/audit/export"), "/api/v1/audit/export");
  EXPECT_EQ(at(api_http::Method::kPost, "/ofrep/v1/evaluate/flags/"), "-");
  EXPECT_EQ(at(api_http::Method::kGet, "/a/b/c/d/e/f/g/h/i/j"), "-");
  const auto match = router.Find(api_http::Method::kGet, "/api/v1/environments/e/flags/f/overrides/t");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.parameters[0], "e");
  EXPECT_EQ(match.parameters[1], "f");
  EXPECT_EQ(match.parameters[2], "t");
  EXPECT_EQ(router.Find(api_http::Method::kPatch, "/api/v1/keys").allow, "GET, HEAD, POST, OPTIONS");
}

TEST(Text, PercentEncodingGoesThereAndBack) {
  std::string all;
  for (int c = 1; c < 128; ++c) all += static_cast<char>(c);
  all += "日本";
  EXPECT_EQ(api_http::PercentDecode(base::PercentEncode(all)), all);
  EXPECT_EQ(api_http::PercentDecode("a+b", true), "a b");
  EXPECT_EQ(api_http::PercentDecode("a+b"), "a+b");
  for (const char* bad : {"%", "%4", "%zz", "%00", "%ff", "%c3%28", "%ed%a0%80"})
    EXPECT_EQ(api_http::PercentDecode(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace guidon::api_test
