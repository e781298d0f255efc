// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/node_report.hpp"

#include <gtest/gtest.h>

namespace guidon::app {
namespace {

TEST(NodeReport, WhatIsWrittenIsRead) {
  NodeReport report;
  EnvironmentReport& production = report.environments["production"];
  production = {.sequence = 42, .behind = 3};
  ChangeReport& change = production.changes.emplace_back();
  change = {.first = 40, .last = 42, .served_after = std::chrono::microseconds(1500), .connected = 5, .converged = 2};
  change.curve.Add(std::chrono::microseconds(2500));
  change.curve.Add(std::chrono::microseconds(70'000));
  change.waiting.push_back({.kind = ClientKind::kNamed,
                            .name = "checkout-7",
                            .address = "10.1.2.3",
                            .key_id = "k1",
                            .tenant = "acme",
                            .waiting = 1,
                            .connected = 1});
  change.waiting_others = 2;
  report.environments["staging"].sequence = 7;

  const auto read = ParseNodeReport(WriteNodeReport(report));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->environments.size(), 2U);
  const EnvironmentReport& same = read->environments.at("production");
  EXPECT_EQ(same.sequence, 42U);
  EXPECT_EQ(same.behind, 3U);
  EXPECT_EQ(read->environments.at("staging").sequence, 7U);
  EXPECT_EQ(same.Find(39), nullptr);
  EXPECT_EQ(same.Find(43), nullptr);
  const ChangeReport* found = same.Find(41);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->served_after.count(), 1500);
  EXPECT_EQ(found->connected, 5U);
  EXPECT_EQ(found->converged, 2U);
  EXPECT_EQ(found->curve.buckets(), change.curve.buckets());
  EXPECT_EQ(found->curve.LastMs(), 70);
  EXPECT_EQ(found->waiting, change.waiting);
  EXPECT_EQ(found->waiting_others, 2U);
}

TEST(NodeReport, OfAnotherProgramIsRefusedOrReadAsFarAsItGoes) {
  EXPECT_FALSE(ParseNodeReport("").has_value());
  EXPECT_FALSE(ParseNodeReport("[]").has_value());
  EXPECT_FALSE(ParseNodeReport("{}").has_value());
  const auto read = ParseNodeReport(
      R"({"environments":{"a":{"sequence":-4,"changes":[1,{"first":1,"last":2,"curve":[[0],[1,-2],"x",[3,4]]}]},"b":7}})");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->environments.size(), 1U);
  EXPECT_EQ(read->environments.at("a").sequence, 0U);
  EXPECT_EQ(read->environments.at("a").Find(2)->curve.count(), 4U);
}

}  // namespace
}  // namespace guidon::app
