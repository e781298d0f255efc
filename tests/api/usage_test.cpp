// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gtest/gtest.h>

#include "harness.hpp"

namespace guidon::api_test {
namespace {

const std::string kEnv = "/api/v1/environments/development";

class UsageApiTest : public ::testing::Test {
 protected:
  UsageApiTest() {
    harness.MakeFlag(R"({"flagKey":"checkout","owner":"o","defaultEnabled":true})");
    harness.MakeFlag(R"({"flagKey":"banner","owner":"o","clientVisible":true})");
  }
  Reply Send(std::string_view method, const std::string& target, std::string_view body = {},
             const Headers& headers = {}) {
    return harness.Send(method, target, body, headers);
  }
  void Evaluate(const std::string& context) {
    EXPECT_EQ(Send("POST", "/ofrep/v1/evaluate/flags/checkout", R"({"context":)" + context + "}").status, 200);
  }
  Reply Usage(const std::string& query = "") {
    harness.io->HandOverUsage();
    return Send("GET", kEnv + "/flags/checkout/usage" + query);
  }

  Harness harness;
};

TEST_F(UsageApiTest, EvaluationsAreCountedByVariationTenantAndHour) {
  for (int i = 0; i < 4; ++i) Evaluate(R"({"targetingKey":"u","tenantId":"acme"})");
  Evaluate(R"({"targetingKey":"u"})");
  Evaluate(R"({"targetingKey":"v"})");
  EXPECT_EQ(Send("POST", "/api/evaluate", R"({"tenantId":"globex","flagKey":"checkout"})").status, 200);
  EXPECT_EQ(Send("POST", "/ofrep/v1/evaluate/flags", R"({"context":{"targetingKey":"u"}})").status, 200);
  const Reply usage = Usage();
  ASSERT_EQ(usage.status, 200) << usage.body;
  EXPECT_EQ(usage.At({"total", "evaluations"}), "7");
  EXPECT_EQ(usage.At({"total", "bulk"}), "1");
  EXPECT_EQ(usage.At({"variations", "0", "variation"}), "on");
  EXPECT_EQ(usage.At({"tenants", "0", "tenantId"}), "acme");
  EXPECT_EQ(usage.At({"tenants", "0", "evaluations"}), "4");
  EXPECT_EQ(usage.At({"tenants", "1", "tenantId"}), "");  // those without a tenant: 2, and 1 in bulk
  EXPECT_EQ(usage.At({"tenants", "1", "evaluations"}), "2");
  EXPECT_EQ(usage.At({"tenants", "2", "tenantId"}), "globex");
  EXPECT_NE(usage.At({"periods", "0", "from"}), "");
  EXPECT_NE(usage.At({"lastEvaluatedAt"}), "");
  EXPECT_EQ(Usage("?tenantId=globex").At({"total", "evaluations"}), "1");
  EXPECT_EQ(Usage("?by=day").At({"by"}), "day");
  EXPECT_EQ(Send("GET", kEnv + "/flags/none/usage").status, 404);
  for (const auto& [query, field] : {std::pair{"?by=week", "by"},
                                     {"?from=yesterday", "from"},
                                     {"?from=2026-01-01", "from"},
                                     {"?to=x", "to"},
                                     {"?tenantId=a%23b", "tenantId"}}) {
    const Reply refused = Usage(query);
    EXPECT_EQ(refused.status, 400) << query;
    EXPECT_EQ(refused.At({"field"}), field);
  }
}

TEST_F(UsageApiTest, AnAnswerThatDidNotChangeWasStillGiven) {
  const Reply first = Send("POST", "/ofrep/v1/evaluate/flags", R"({"context":{"targetingKey":"u"}})");
  const Reply again = Send("POST", "/ofrep/v1/evaluate/flags", R"({"context":{"targetingKey":"u"}})",
                           {{"If-None-Match", first.Header("ETag")}});
  ASSERT_EQ(again.status, 304);
  EXPECT_EQ(Usage().At({"total", "bulk"}), "2");
}

TEST_F(UsageApiTest, LoggedEvaluationsAreListed) {
  harness.app->usage().SetSampling(*app::SampleRates::Parse({"checkout=1"}));
  harness.io->HandOverUsage();  // takes over the rates
  Evaluate(R"({"targetingKey":"u","tenantId":"acme"})");
  Evaluate(R"({"targetingKey":"u"})");
  harness.io->HandOverUsage();
  ASSERT_TRUE(harness.app->FlushBackgroundWrites().has_value());
  const Reply log = Send("GET", kEnv + "/flags/checkout/evaluations");
  ASSERT_EQ(log.status, 200) << log.body;
  EXPECT_EQ(log.At({"items", "0", "tenantId"}), "acme");
  EXPECT_EQ(log.At({"items", "0", "variation"}), "on");
  EXPECT_EQ(log.At({"items", "0", "reason"}), "STATIC");
  EXPECT_EQ(log.At({"items", "1", "tenantId"}), "");
  EXPECT_NE(log.At({"items", "1", "evaluatedAt"}), "");
  EXPECT_EQ(Send("GET", kEnv + "/flags/none/evaluations").status, 404);
  EXPECT_EQ(Send("GET", kEnv + "/flags/checkout/evaluations?from=x").At({"field"}), "from");
}

TEST_F(UsageApiTest, MetricsHaveEachFlagAndVariation) {
  Evaluate(R"({"targetingKey":"u","tenantId":"acme"})");
  Usage();
  const Reply metrics = Send("GET", "/metrics");
  EXPECT_NE(metrics.body.find(R"(guidon_flag_evaluations_total{environment="development",flag="checkout",)"
                              R"(variation="on",source="evaluation"} 1)"),
            std::string::npos)
      << metrics.body;
}

TEST_F(UsageApiTest, UnusedFlagsAreListed) {
  Evaluate(R"({"targetingKey":"u"})");
  harness.io->HandOverUsage();
  const Reply all = Send("GET", kEnv + "/usage");
  EXPECT_EQ(all.At({"items", "0", "flagKey"}), "banner");
  EXPECT_EQ(all.At({"items", "0", "lastEvaluatedAt"}), "");
  EXPECT_EQ(all.At({"items", "1", "flagKey"}), "checkout");
  EXPECT_NE(all.At({"items", "1", "lastEvaluatedAt"}), "");
  const Reply unused = Send("GET", kEnv + "/usage?unusedSince=1990-01-01T00:00:00Z");
  EXPECT_EQ(unused.At({"items", "0", "flagKey"}), "banner");
  EXPECT_EQ(unused.At({"items", "1", "flagKey"}), "");
  EXPECT_EQ(Send("GET", kEnv + "/usage?unusedSince=soon").At({"field"}), "unusedSince");
  EXPECT_EQ(Send("GET", kEnv + "/usage?cursor=x").At({"field"}), "cursor");
}

TEST_F(UsageApiTest, ClientsReportWhatTheyCounted) {
  const std::string minute = base::FormatTimestamp(harness.clock.Now()).substr(0, 16) + "Z";
  const auto report = [&](const std::string& record) {
    return Send("POST", "/api/v1/usage", R"({"client":"shop-1","records":[)" + record + "]}");
  };
  const std::string good =
      R"({"minute":")" + minute + R"(","flagKey":"checkout","variation":"off","tenantId":"acme","count":12})";
  EXPECT_EQ(report(good).status, 204);
  const Reply usage = Usage("?to=" + base::FormatTimestamp(harness.clock.Now() + std::chrono::hours(1)));
  EXPECT_EQ(usage.At({"variations", "0", "variation"}), "off") << usage.body;
  EXPECT_EQ(usage.At({"variations", "0", "evaluations"}), "12");

  const std::string head = R"({"minute":")" + minute + R"(",)";
  for (const auto& [record, field] : {std::pair<std::string, std::string>{R"({"flagKey":"a","count":1})", "minute"},
                                      {head + R"("count":1})", "flagKey"},
                                      {head + R"("flagKey":"a"})", "count"},
                                      {head + R"("flagKey":"a","count":0})", "count"},
                                      {head + R"("flagKey":"a","count":-1})", "count"},
                                      {head + R"("flagKey":"a","count":1.5})", "count"},
                                      {head + R"("flagKey":"a","count":2000000000})", "count"},
                                      {head + R"("flagKey":"a#b","count":1})", "flagKey"},
                                      {head + R"("flagKey":"a","count":1,"user":"u"})", "user"},
                                      {R"({"minute":"1999-01-01T00:00Z","flagKey":"a","count":1})", "minute"}}) {
    const Reply refused = report(good + "," + record);
    EXPECT_EQ(refused.status, 400) << record;
    EXPECT_EQ(refused.At({"field"}), "records[1]." + field) << refused.body;
  }
  EXPECT_EQ(Send("POST", "/api/v1/usage", "{}").At({"field"}), "records");
  EXPECT_EQ(Send("POST", "/api/v1/usage", R"({"client":"","records":[]})").At({"field"}), "client");
}

TEST_F(UsageApiTest, KeysReportForTheirTenantAndWhatTheySee) {
  const std::string server = harness.MakeKey(model::KeyKind::kServer, "development", "acme");
  const std::string client = harness.MakeKey(model::KeyKind::kClient, "development");
  const std::string minute = base::FormatTimestamp(harness.clock.Now());
  const auto report = [&](const std::string& key, const std::string& flag, const std::string& more) {
    harness.credential = key;
    const Reply reply =
        Send("POST", "/api/v1/usage",
             R"({"records":[{"minute":")" + minute + R"(","flagKey":")" + flag + R"(","count":5)" + more + "}]}");
    harness.credential.clear();
    return reply.status;
  };
  EXPECT_EQ(report(server, "checkout", R"(,"tenantId":"globex")"), 403);
  EXPECT_EQ(report(server, "checkout", ""), 204);
  EXPECT_EQ(report(client, "checkout", ""), 204);  // which it cannot see: not kept
  const std::string later = "?to=" + base::FormatTimestamp(harness.clock.Now() + std::chrono::hours(1));
  EXPECT_EQ(Usage(later).At({"tenants", "0", "tenantId"}), "acme");
  EXPECT_EQ(Usage(later).At({"total", "evaluations"}), "5");
  EXPECT_EQ(report(client, "banner", ""), 204);
  EXPECT_EQ(Send("GET", kEnv + "/flags/banner/usage" + later).At({"total", "evaluations"}), "5");
}

}  // namespace
}  // namespace guidon::api_test
