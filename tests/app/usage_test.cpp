// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>
#include <utility>

#include "guidon/app/usage_counter.hpp"
#include "guidon/app/usage_service.hpp"
#include "support.hpp"

namespace guidon::app::testing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class UsageTest : public ::testing::Test {
 protected:
  eval::Evaluation Evaluated(const eval::Snapshot& snapshot, std::string_view flag) {
    const auto context = Must(model::Context::Create({.targeting_key = "user"}));
    return eval::Evaluate(snapshot, flag, context, world.clock.Now());
  }
  // As a node that answers `times` requests.
  void Ask(Application& node, std::string_view flag, std::string_view tenant, int times = 1,
           UsageKind kind = UsageKind::kEvaluation) {
    const auto snapshot = node.snapshots().Find("development")->Get();
    for (int i = 0; i < times; ++i) node.usage().Note("development", tenant, Evaluated(*snapshot, flag), kind);
  }
  UsageFigures Figures(Application& node, std::string_view flag, UsageQuery query = {}) {
    if (query.to == base::Timestamp{})
      query = {.from = world.clock.Now() - hours(24), .to = world.clock.Now() + hours(1)};
    return Must(node.usage().Of(world.Admin(), Env("development"), Flag(flag), query));
  }
  std::vector<std::string> Unused(std::optional<base::Timestamp> since, std::size_t limit = 100) {
    std::vector<std::string> keys;
    store::PageRequest next{.limit = limit, .cursor = {}};
    while (true) {
      auto page = Must(world.app->usage().List(world.Admin(), Env("development"), since, next));
      for (const FlagUsage& usage : page.items) keys.push_back(usage.flag_key);
      if (!page.next_cursor) return keys;
      next.cursor = *page.next_cursor;
    }
  }

  World world;
};

TEST_F(UsageTest, CountersTellApartFlagVariationTenantAndKind) {
  world.CreateFlag("a");
  world.CreateFlag("b");
  const auto snapshot = world.Snapshot();
  UsageCounter counter;
  const auto acme = counter.AskerOf("development", "acme");
  const auto nobody = counter.AskerOf("development", "");
  EXPECT_EQ(counter.AskerOf("development", "acme"), acme);
  EXPECT_NE(counter.AskerOf("production", "acme"), acme);
  for (int i = 0; i < 3; ++i) counter.Note(acme, Evaluated(*snapshot, "a"), UsageKind::kEvaluation);
  counter.Note(nobody, Evaluated(*snapshot, "a"), UsageKind::kEvaluation);
  counter.Note(acme, Evaluated(*snapshot, "a"), UsageKind::kBulk);
  counter.Note(acme, Evaluated(*snapshot, "b"), UsageKind::kEvaluation);
  counter.Note(acme, Evaluated(*snapshot, "none"), UsageKind::kEvaluation);
  auto counts = counter.Take();
  std::ranges::sort(counts, {},
                    [](const UsageCount& one) { return std::tuple(one.flag_key, one.kind, one.tenant_id); });
  using enum UsageKind;
  EXPECT_EQ(counts, (std::vector<UsageCount>{{"development", "a", "on", "", kEvaluation, 1},
                                             {"development", "a", "on", "acme", kEvaluation, 3},
                                             {"development", "a", "on", "acme", kBulk, 1},
                                             {"development", "b", "on", "acme", kEvaluation, 1}}));
  EXPECT_TRUE(counter.Take().empty());
}

TEST_F(UsageTest, TooManyTenantsAreCountedTogetherAndNothingIsLost) {
  world.CreateFlag("a");
  const auto snapshot = world.Snapshot();
  UsageCounter counter;
  constexpr std::uint64_t kTenants = 3 * UsageCounter::kEntriesMax;
  for (std::uint64_t i = 0; i < kTenants; ++i)
    counter.Note(counter.AskerOf("development", "t" + std::to_string(i)), Evaluated(*snapshot, "a"),
                 UsageKind::kEvaluation);
  std::uint64_t sum = 0;
  std::uint64_t others = 0;
  for (const UsageCount& one : counter.Take()) {
    sum += one.count;
    if (one.tenant_id == store::kOtherTenants) others += one.count;
  }
  EXPECT_EQ(sum, kTenants);
  EXPECT_EQ(others, kTenants - UsageCounter::kAskersMax);
  EXPECT_EQ(counter.dropped(), 0);
}

TEST_F(UsageTest, FiguresAreThereBeforeAndAfterTheyWereWritten) {
  world.CreateFlag("a");
  Ask(*world.app, "a", "acme", 5);
  Ask(*world.app, "a", "globex", 2);
  Ask(*world.app, "a", "acme", 4, UsageKind::kBulk);
  for (int round = 0; round < 3; ++round) {
    const UsageFigures figures = Figures(*world.app, "a");
    EXPECT_EQ(figures.total, (UsageTotals{.evaluations = 7, .bulk = 4}));
    EXPECT_EQ(figures.variations.at("on"), (UsageTotals{.evaluations = 7, .bulk = 4}));
    EXPECT_EQ(figures.tenants.at("acme"), (UsageTotals{.evaluations = 5, .bulk = 4}));
    EXPECT_EQ(figures.tenants.at("globex"), (UsageTotals{.evaluations = 2, .bulk = 0}));
    ASSERT_EQ(figures.periods.size(), 1);
    EXPECT_EQ(figures.periods[0].from, store::HourOf(world.clock.Now()));
    ASSERT_TRUE(figures.last.has_value());
    EXPECT_EQ(figures.last->evaluated_at, store::HourOf(world.clock.Now()));
    Must(world.app->FlushBackgroundWrites(true));  // twice: the second time has nothing to do
  }
  // Another process: what it reads is what was written.
  world.Restart();
  EXPECT_EQ(Figures(*world.app, "a").total, (UsageTotals{.evaluations = 7, .bulk = 4}));
}

TEST_F(UsageTest, NodesAndRestartsAddUp) {
  world.CreateFlag("a");
  const auto other = world.NewNode(world.memory);
  for (int round = 1; round <= 3; ++round) {
    Ask(*world.app, "a", "acme", 1);
    Ask(*other, "a", "acme", 10);
    Must(world.app->FlushBackgroundWrites(true));
    Must(other->FlushBackgroundWrites(true));
    EXPECT_EQ(Figures(*world.app, "a").total.evaluations, static_cast<std::uint64_t>(11 * round));
    world.Restart();
  }
}

TEST_F(UsageTest, EachHourHasItsOwnFiguresAndIsForgottenOnceItIsWritten) {
  world.CreateFlag("a");
  for (int hour = 0; hour < 30; ++hour) {
    Ask(*world.app, "a", "acme", hour + 1);
    Must(world.app->FlushBackgroundWrites(true));
    world.clock.Advance(hours(1));
  }
  const auto now = world.clock.Now();
  const UsageFigures day = Figures(*world.app, "a", {.from = now - hours(24), .to = now});
  ASSERT_EQ(day.periods.size(), 24);
  EXPECT_EQ(day.periods.front().variations.at("on").evaluations, 7);
  EXPECT_EQ(day.periods.back().variations.at("on").evaluations, 30);
  const UsageFigures days = Figures(*world.app, "a", {.from = now - hours(72), .to = now, .period = UsagePeriod::kDay});
  EXPECT_EQ(days.total.evaluations, 30 * 31 / 2);
  EXPECT_EQ(days.periods.size(), 2);
  EXPECT_EQ(Figures(*world.app, "a", {.from = now - hours(24), .to = now, .tenant_id = "globex"}).total, UsageTotals{});
}

TEST_F(UsageTest, WritingIsAnItemAFlagAndHourNotAnEvaluation) {
  world.CreateFlag("a");
  world.CreateFlag("b");
  int items = 0;
  world.table.OnBatchWrite([&]() -> base::Status {
    ++items;
    return {};
  });
  Ask(*world.app, "a", "acme", 1000);
  Ask(*world.app, "b", "globex", 1000);
  Must(world.app->FlushBackgroundWrites(true));
  EXPECT_EQ(items, 1);  // both in one batch
  Must(world.app->FlushBackgroundWrites(true));
  EXPECT_EQ(items, 1);  // nothing has changed since
}

TEST_F(UsageTest, WhatWasOnlyAmongAllFlagsIsWrittenOnceAnHour) {
  world.CreateFlag("asked");
  world.CreateFlag("listed");
  world.app->usage().SetInterval(std::chrono::seconds(1));
  int items = 0;
  world.table.OnBatchWrite([&]() -> base::Status {
    ++items;
    return {};
  });
  const auto after_an_interval = [&] {
    std::this_thread::sleep_for(
        std::chrono::milliseconds(1050));  // intervals are real time: clocks of the world may jump
    Must(world.app->FlushBackgroundWrites(false));
    return std::exchange(items, 0);
  };
  Ask(*world.app, "listed", "acme", 3, UsageKind::kBulk);
  EXPECT_EQ(after_an_interval(), 0);
  Ask(*world.app, "asked", "acme", 1);
  EXPECT_EQ(after_an_interval(), 1);
  Ask(*world.app, "asked", "acme", 2, UsageKind::kBulk);
  EXPECT_EQ(after_an_interval(), 0);
  EXPECT_EQ(Figures(*world.app, "listed").total.bulk, 3);  // read from here meanwhile
  world.clock.Advance(hours(1));
  EXPECT_EQ(after_an_interval(), 1);
  world.Restart();
  EXPECT_EQ(Figures(*world.app, "listed").total, (UsageTotals{.evaluations = 0, .bulk = 3}));
  EXPECT_EQ(Figures(*world.app, "asked").total, (UsageTotals{.evaluations = 1, .bulk = 2}));
}

TEST_F(UsageTest, WhatTheStoreDoesNotTakeWaits) {
  world.CreateFlag("a");
  Ask(*world.app, "a", "acme", 3);
  world.table.OnBatchWrite([] { return base::Fail(base::ErrorCode::kUnavailable, "down"); });
  EXPECT_EQ(world.app->FlushBackgroundWrites(true).error().code, base::ErrorCode::kUnavailable);
  Ask(*world.app, "a", "acme", 2);
  world.clock.Advance(hours(1));
  Ask(*world.app, "a", "acme", 1);
  world.table.OnBatchWrite({});
  Must(world.app->FlushBackgroundWrites(true));
  world.Restart();
  const UsageFigures figures = Figures(*world.app, "a");
  EXPECT_EQ(figures.total.evaluations, 6);
  EXPECT_EQ(figures.periods.size(), 2);
}

TEST_F(UsageTest, ClientsReportMinutes) {
  world.CreateFlag("a");
  const auto now = world.clock.Now();
  const auto report = [&](UsageReport record) {
    return world.app->usage().Report(world.Admin(), Env("development"), {std::move(record)});
  };
  Must(report({.minute = now - minutes(1), .flag_key = "a", .variation = "on", .tenant_id = "acme", .count = 40}));
  Must(report({.minute = now - hours(5), .flag_key = "a", .count = 2}));
  Must(world.app->FlushBackgroundWrites(true));
  // That hour was written and forgotten: what comes later must not replace it.
  Must(report({.minute = now - hours(5), .flag_key = "a", .variation = "off", .count = 3}));
  Must(report({.minute = now, .flag_key = "gone", .count = 9}));
  Must(world.app->FlushBackgroundWrites(true));
  world.Restart();
  const UsageFigures figures = Figures(*world.app, "a");
  EXPECT_EQ(figures.total.evaluations, 45);
  EXPECT_EQ(figures.variations.at("").evaluations, 2);
  EXPECT_EQ(figures.variations.at("off").evaluations, 3);
  EXPECT_EQ(figures.last->evaluated_at, store::HourOf(now - minutes(1)));

  const auto field = [&](const UsageReport& record) { return report(record).error().field; };
  EXPECT_EQ(field({.minute = now, .flag_key = "a#", .count = 1}), "records[0].flagKey");
  EXPECT_EQ(field({.minute = now, .flag_key = "a", .variation = " ", .count = 1}), "records[0].variation");
  EXPECT_EQ(field({.minute = now, .flag_key = "a", .tenant_id = "*", .count = 1}), "records[0].tenantId");
  EXPECT_EQ(field({.minute = now, .flag_key = "a", .count = 0}), "records[0].count");
  EXPECT_EQ(field({.minute = now + minutes(6), .flag_key = "a", .count = 1}), "records[0].minute");
  EXPECT_EQ(field({.minute = now - hours(24 * 8), .flag_key = "a", .count = 1}), "records[0].minute");
  EXPECT_EQ(world.app->usage()
                .Report(world.Admin(), Env("development"), std::vector<UsageReport>(kUsageReportsMax + 1))
                .error()
                .code,
            base::ErrorCode::kTooLarge);
}

TEST_F(UsageTest, ATenantSeesItsOwnFigures) {
  world.CreateFlag("shared");
  auto fields = World::Boolean("acmes");
  fields.tenant_id = "acme";
  world.CreateFlag(fields);
  Ask(*world.app, "shared", "acme", 3);
  Ask(*world.app, "shared", "globex", 50);
  Ask(*world.app, "acmes", "acme", 1);
  const UsageQuery query{.from = world.clock.Now() - hours(1), .to = world.clock.Now() + hours(1)};
  const auto of = [&](std::string_view tenant, std::string_view flag, UsageQuery asked) {
    return world.app->usage().Of(world.AdminOf(tenant), Env("development"), Flag(flag), std::move(asked));
  };
  const UsageFigures own = Must(of("acme", "shared", query));
  EXPECT_EQ(own.total.evaluations, 3);
  EXPECT_EQ(own.tenants.size(), 1);
  EXPECT_FALSE(own.last.has_value());
  UsageQuery others = query;
  others.tenant_id = "globex";
  EXPECT_EQ(Must(of("acme", "shared", others)).total, UsageTotals{});
  EXPECT_EQ(MustFail(of("globex", "acmes", query)).code, base::ErrorCode::kNotFound);
  EXPECT_EQ(MustFail(of("globex", "none", query)).code, base::ErrorCode::kNotFound);
  const auto list = Must(world.app->usage().List(world.AdminOf("acme"), Env("development"), std::nullopt, {}));
  ASSERT_EQ(list.items.size(), 1);
  EXPECT_EQ(list.items[0].flag_key, "acmes");

  RequestInfo bound = world.AdminOf("acme");
  const UsageReport foreign{.minute = world.clock.Now(), .flag_key = "shared", .tenant_id = "globex", .count = 1};
  const auto refused = world.app->usage().Report(bound, Env("development"), {foreign});
  EXPECT_EQ(refused.error().code, base::ErrorCode::kPermissionDenied);
  EXPECT_EQ(refused.error().field, "records[0].tenantId");
  Must(world.app->usage().Report(bound, Env("development"),
                                 {{.minute = world.clock.Now(), .flag_key = "shared", .count = 4}}));
  EXPECT_EQ(Must(of("acme", "shared", query)).total.evaluations, 7);
}

TEST_F(UsageTest, FlagsThatNobodyAsksForAreFound) {
  for (const char* key : {"a", "b", "c", "d", "e"}) world.CreateFlag(key);
  Ask(*world.app, "a", "acme");
  Ask(*world.app, "c", "acme", 1, UsageKind::kBulk);
  Must(world.app->FlushBackgroundWrites(true));
  world.clock.Advance(hours(48));
  Ask(*world.app, "d", "acme");  // not written yet
  const auto now = world.clock.Now();
  for (const std::size_t limit : {1UL, 2UL, 100UL}) {
    EXPECT_EQ(Unused(std::nullopt, limit), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
    EXPECT_EQ(Unused(now - hours(24), limit), (std::vector<std::string>{"a", "b", "c", "e"}));
    EXPECT_EQ(Unused(now - hours(72), limit), (std::vector<std::string>{"b", "c", "e"}));
  }
  const auto page = Must(world.app->usage().List(world.Admin(), Env("development"), std::nullopt, {}));
  EXPECT_EQ(page.items[2].bulk_at, store::HourOf(now - hours(48)));
  EXPECT_FALSE(page.items[2].evaluated_at);
  EXPECT_EQ(page.items[3].evaluated_at, store::HourOf(now));
}

TEST_F(UsageTest, QuestionsHaveLimits) {
  world.CreateFlag("a");
  const auto now = world.clock.Now();
  const auto field = [&](UsageQuery query) {
    return MustFail(world.app->usage().Of(world.Admin(), Env("development"), Flag("a"), std::move(query))).field;
  };
  EXPECT_EQ(field({.from = now, .to = now - hours(2)}), "from");
  EXPECT_EQ(field({.from = now - hours(24 * 8), .to = now}), "from");
  EXPECT_EQ(field({.from = now - hours(24 * 91), .to = now, .period = UsagePeriod::kDay}), "from");
}

TEST_F(UsageTest, TheLogTakesTheShareThatItsRateSays) {
  world.CreateFlag("a");
  world.CreateFlag("b");
  world.CreateFlag("c");
  world.app->usage().SetSampling(Must(SampleRates::Parse({"a=1", "b=0.25", "production/c=1"})));
  int b = 0;
  constexpr int kRounds = 2000;
  for (int i = 0; i < kRounds; ++i) {
    Ask(*world.app, "a", i % 2 == 0 ? "acme" : "");
    Ask(*world.app, "b", "globex");
    Ask(*world.app, "c", "acme");
    Ask(*world.app, "a", "acme", 1, UsageKind::kBulk);
    world.clock.Advance(std::chrono::milliseconds(1));
    if (i % 100 == 99) Must(world.app->FlushBackgroundWrites());
  }
  const auto log = [&](const RequestInfo& request, std::string_view flag) {
    std::vector<store::EvaluationLogRecord> all;
    store::PageRequest next{.limit = 1000, .cursor = {}};
    while (true) {
      auto page = Must(
          world.app->usage().Log(request, Env("development"), Flag(flag), base::Timestamp{}, world.clock.Now(), next));
      all.insert(all.end(), page.items.begin(), page.items.end());
      if (!page.next_cursor) return all;
      next.cursor = *page.next_cursor;
    }
  };
  const auto a = log(world.Admin(), "a");
  ASSERT_EQ(a.size(), kRounds);
  EXPECT_EQ(a.back().tenant_id, "acme");
  EXPECT_EQ(a.back().variation, "on");
  EXPECT_EQ(a.back().reason, "STATIC");
  EXPECT_EQ(a.front().tenant_id, "");
  b = static_cast<int>(log(world.Admin(), "b").size());
  EXPECT_NEAR(b, kRounds / 4.0, 120);  // six standard deviations
  EXPECT_TRUE(log(world.Admin(), "c").empty());
  EXPECT_EQ(log(world.AdminOf("acme"), "a").size(), kRounds / 2);
  EXPECT_EQ(MustFail(world.app->usage().Log(world.Admin(), Env("development"), Flag("none"), {}, {}, {})).code,
            base::ErrorCode::kNotFound);
}

TEST_F(UsageTest, TheLogWaitsForTheStoreWithinBounds) {
  world.CreateFlag("a");
  world.app->usage().SetSampling(Must(SampleRates::Parse({"development/a=1"})));
  world.table.OnBatchWrite([] { return base::Fail(base::ErrorCode::kUnavailable, "down"); });
  for (int i = 0; i < 100; ++i) {
    Ask(*world.app, "a", "acme", 200);
    EXPECT_FALSE(world.app->FlushBackgroundWrites().has_value());
  }
  EXPECT_EQ(world.app->usage().dropped(), 100UL * 200 - kEvaluationsWaitingMax);
  world.table.OnBatchWrite({});
  Must(world.app->FlushBackgroundWrites());
}

TEST_F(UsageTest, RatesAreChecked) {
  for (const char* bad : {"a", "=1", "a=", "a=2", "a=-1", "a=nan", "a=0.5x", "a b=1", "UP/a=1", "x/y/z=1"}) {
    const auto refused = SampleRates::Parse({"good=1", bad});
    ASSERT_FALSE(refused.has_value()) << bad;
    EXPECT_TRUE(refused.error().message.contains(bad)) << refused.error().message;
  }
  const auto rates = Must(SampleRates::Parse({"a=0.5", "production/a=0"}));
  EXPECT_EQ(rates.RateOf("staging", "a"), 0.5);
  EXPECT_EQ(rates.RateOf("production", "a"), 0);
  EXPECT_EQ(rates.RateOf("production", "b"), 0);
}

TEST_F(UsageTest, NothingIsCountedWhereItIsTurnedOff) {
  world.CreateFlag("a");
  world.app->usage().SetInterval(std::chrono::seconds(0));
  Ask(*world.app, "a", "acme", 3);
  EXPECT_EQ(Figures(*world.app, "a").total, UsageTotals{});
  EXPECT_TRUE(world.app->usage().Series().empty());
}

TEST_F(UsageTest, SeriesAreTotalsSinceTheStart) {
  world.CreateFlag("a");
  Ask(*world.app, "a", "acme", 3);
  Ask(*world.app, "a", "globex", 2, UsageKind::kBulk);
  Must(world.app->FlushBackgroundWrites());
  const auto series = world.app->usage().Series();
  ASSERT_EQ(series.size(), 1);
  EXPECT_EQ(series[0].variation, "on");
  EXPECT_EQ(series[0].totals, (UsageTotals{.evaluations = 3, .bulk = 2}));
}

}  // namespace
}  // namespace guidon::app::testing
