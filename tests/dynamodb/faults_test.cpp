// SPDX-License-Identifier: Apache-2.0
// DynamoTable against the fake: each fault by itself, with message and figures, and random schedules of all of them
// that are checked against what the fake has committed.
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/aws/client.hpp"
#include "guidon/aws/testing/fakes.hpp"
#include "guidon/store_dynamodb/dynamo_table.hpp"
#include "tests/dynamodb/fake/fake_dynamo.hpp"

namespace guidon::dynamodb_test {
namespace {

using base::ErrorCode;
using store::Condition;
using store::Consistency;
using store::Item;
using store::Key;
using store::Number;
using testing::HasSubstr;

const base::Timestamp kStart = *base::ParseTimestamp("2026-11-22T04:23:00Z");
constexpr std::string_view kUnknown = "may have been carried out";

// A table on the fake; time stands still but for pauses and timeouts.
class World {
 public:
  World() {
    fake_.script = [this](std::string_view) { return Next(); };
  }

  void Script(std::deque<Fault> faults) { faults_ = std::move(faults); }
  std::size_t faults_left() const { return faults_.size(); }
  store_dynamodb::DynamoTable& table() { return table_; }
  FakeDynamo& fake() { return fake_; }
  aws::ClientFigures figures() const { return client_.figures(); }
  base::ManualClock& clock() { return clock_; }
  base::ManualClock& service_clock() { return service_clock_; }

 private:
  Fault Next() {
    if (faults_.empty()) return Fault::kNone;
    const Fault fault = faults_.front();
    faults_.pop_front();
    return fault;
  }

  base::ManualClock clock_{kStart};
  base::ManualClock service_clock_{kStart};
  aws::FakeWaitClock wait_clock_;
  FakeDynamo fake_{service_clock_, [this](std::chrono::milliseconds time) { wait_clock_.Advance(time); }};
  std::deque<Fault> faults_;
  aws::FakeSource source_;
  aws::CredentialCache credentials_{source_, clock_, wait_clock_};
  std::minstd_rand random_{7};
  aws::Client client_{
      {.region = "us-east-1", .endpoint = "http://127.0.0.1:1"},
      {fake_, credentials_, clock_, wait_clock_, [this] { return std::generate_canonical<double, 32>(random_); }}};
  store_dynamodb::DynamoTable table_{client_, "fake", clock_};
};

Item Versioned(const std::string& pk, std::int64_t version, const std::string& mark) {
  return {{"PK", pk}, {"SK", "s"}, {"version", Number::From(version)}, {"mark", mark}};
}
Condition IfVersion(std::int64_t version) {
  return version == 0 ? Condition::Absent() : Condition::Equals("version", Number::From(version));
}

// --- each fault by itself ---

class FaultTest : public testing::TestWithParam<Fault> {
 protected:
  World world_;
};

TEST_P(FaultTest, AConditionalPutHappensOnceAndSaysSo) {
  world_.Script({GetParam()});
  const auto result = world_.table().PutItem({.item = Versioned("p", 1, "a"), .condition = Condition::Absent()});
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->applied);
  EXPECT_EQ(world_.faults_left(), 0U);
  world_.fake().DeliverLate();
  EXPECT_EQ(world_.fake().commits().size(), 1U);
}

TEST_P(FaultTest, ATransactionHappensOnceAndSaysSo) {
  world_.Script({GetParam()});
  const std::vector<store::TransactionOperation> operations = {
      store::Put{.item = Versioned("p", 1, "a"), .condition = Condition::Absent()},
      store::Update{
          .key = {"q", "s"}, .set = {{"version", Number::From(std::int64_t{1})}}, .condition = Condition::Absent()}};
  const auto result = world_.table().Transact(operations, "token");
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->committed);
  world_.fake().DeliverLate();
  EXPECT_EQ(world_.fake().commits().size(), 2U);
}

TEST_P(FaultTest, ReadsAreRight) {
  world_.fake().WriteBehind(Versioned("p", 1, "a"));
  world_.Script({GetParam()});
  const auto got = world_.table().Get({"p", "s"}, Consistency::kStrong);
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_EQ(got->item, Versioned("p", 1, "a"));
  world_.Script({GetParam()});
  const auto page = world_.table().RunQuery({.partition = "p"});
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_THAT(page->items, testing::ElementsAre(Versioned("p", 1, "a")));
  world_.Script({GetParam()});
  const std::vector<Key> keys = {{"p", "s"}, {"none", "s"}};
  const auto batch = world_.table().BatchGet(keys, Consistency::kEventual);
  ASSERT_TRUE(batch.has_value()) << batch.error().message;
  EXPECT_THAT(batch->items, testing::ElementsAre(Versioned("p", 1, "a")));
  EXPECT_TRUE(batch->unprocessed.empty());
}

TEST_P(FaultTest, ABatchIsWrittenWhole) {
  world_.fake().WriteBehind(Versioned("old", 1, "a"));
  world_.Script({GetParam()});
  std::vector<store::BatchWriteOperation> operations = {{Key{"old", "s"}}};
  for (int i = 0; i < 9; ++i) operations.push_back({Versioned(fmt::format("p{}", i), 1, "b")});
  const auto result = world_.table().BatchWrite(operations);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(result->unprocessed.empty());
  const auto items = world_.fake().items();
  EXPECT_EQ(items.size(), 9U);
  EXPECT_FALSE(items.contains({"old", "s"}));
}

std::vector<Fault> PassingFaults() {
  std::vector<Fault> faults;
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    if (static_cast<Fault>(i) != Fault::kTableGone) faults.push_back(static_cast<Fault>(i));
  }
  return faults;
}

INSTANTIATE_TEST_SUITE_P(Each, FaultTest, testing::ValuesIn(PassingFaults()),
                         [](const testing::TestParamInfo<Fault>& info) {
                           std::string name(NameOf(info.param));
                           std::erase_if(name, [](unsigned char c) { return std::isalnum(c) == 0; });
                           return name;
                         });

// --- messages and figures ---

class FaultFiguresTest : public testing::Test {
 protected:
  base::Error ErrorOfPut(std::deque<Fault> faults) {
    world_.Script(std::move(faults));
    const auto result = world_.table().PutItem({.item = Versioned("p", 1, "a"), .condition = Condition::Absent()});
    EXPECT_FALSE(result.has_value());
    return result ? base::Error{} : result.error();
  }
  static std::deque<Fault> Always(Fault fault) { return {40, fault}; }
  std::uint64_t throttles(aws::Throttle kind) { return world_.figures().throttles[static_cast<std::size_t>(kind)]; }
  World world_;
};

TEST_F(FaultFiguresTest, ThrottlesThatLastAreToldApart) {
  const base::Error hot = ErrorOfPut(Always(Fault::kThrottledHotKey));
  EXPECT_EQ(hot.code, ErrorCode::kUnavailable);
  EXPECT_THAT(hot.message, HasSubstr("more capacity does not help"));
  EXPECT_THAT(hot.message, HasSubstr("TableWriteKeyRangeThroughputExceeded arn:aws:dynamodb"));
  EXPECT_THAT(hot.message, HasSubstr("request id FAKE"));
  EXPECT_THAT(hot.message, testing::Not(HasSubstr(kUnknown)));
  EXPECT_EQ(throttles(aws::Throttle::kHotKey), 4U);
  EXPECT_THAT(ErrorOfPut(Always(Fault::kThrottledLimit)).message, HasSubstr("provisioned capacity is used up"));
  EXPECT_EQ(throttles(aws::Throttle::kProvisioned), 4U);
  EXPECT_THAT(ErrorOfPut(Always(Fault::kThrottledAccount)).message, HasSubstr("quota of the account"));
  EXPECT_EQ(throttles(aws::Throttle::kAccount), 4U);
  EXPECT_TRUE(world_.fake().commits().empty());
}

TEST_F(FaultFiguresTest, AMissingTableSaysHowToMakeIt) {
  const base::Error error = ErrorOfPut(Always(Fault::kTableGone));
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("guidon table create --table fake"));
  EXPECT_THAT(error.message, testing::Not(HasSubstr(kUnknown)));
  EXPECT_FALSE(world_.table().Ping().has_value());
  world_.Script({});
  EXPECT_TRUE(world_.table().Ping().has_value());
}

TEST_F(FaultFiguresTest, AnOutageIsNotCalledUnknown) {
  EXPECT_THAT(ErrorOfPut(Always(Fault::kNotConnected)).message, testing::Not(HasSubstr(kUnknown)));
  EXPECT_EQ(world_.figures().connect_failures, 4U);
  EXPECT_EQ(world_.figures().lost_answers, 0U);
}

TEST_F(FaultFiguresTest, WhatCannotBeReadBackIsCalledUnknown) {
  // The answer of the put is lost, and so is every answer of the read that would tell.
  EXPECT_THAT(ErrorOfPut(Always(Fault::kResetAfter)).message, HasSubstr(kUnknown));
  EXPECT_EQ(world_.table().figures().outcomes_unclear, 1U);
  EXPECT_EQ(world_.fake().commits().size(), 1U);
}

TEST_F(FaultFiguresTest, SomebodyElsesLaterWriteMakesItUnknown) {
  int request = 0;
  world_.fake().script = [&](std::string_view) {
    // After the put was carried out without an answer, and before it is read back.
    if (++request == 2) world_.fake().WriteBehind(Versioned("p", 2, "theirs"));
    return request == 1 ? Fault::kResetAfter : Fault::kNone;
  };
  const auto result = world_.table().PutItem({.item = Versioned("p", 1, "ours"), .condition = Condition::Absent()});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(result.error().message, HasSubstr(kUnknown));
  EXPECT_EQ(*world_.fake().items().at({"p", "s"}).Find("mark")->AsString(), "theirs");
}

TEST_F(FaultFiguresTest, AConflictStormEndsAsAnAnswer) {
  world_.Script(Always(Fault::kConflict));
  const std::vector<store::TransactionOperation> operations = {store::Put{.item = Versioned("p", 1, "a")}};
  const auto result = world_.table().Transact(operations, {});
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_FALSE(result->committed);
  EXPECT_EQ(result->reasons[0].code, store::CancellationReason::Code::kConflict);
  EXPECT_EQ(world_.table().figures().transaction_conflicts, 4U);
  EXPECT_TRUE(world_.fake().commits().empty());
}

TEST_F(FaultFiguresTest, AClockThatIsOffByAnHourIsCorrected) {
  world_.fake().clock_tolerance = std::chrono::minutes{5};
  world_.service_clock().Advance(std::chrono::hours{1});
  ASSERT_TRUE(world_.table().PutItem({.item = Versioned("p", 1, "a")})->applied);
  EXPECT_EQ(world_.figures().clock_corrections, 1U);
  EXPECT_EQ(world_.figures().clock_skew_ms, 3'600'000);
}

TEST_F(FaultFiguresTest, ThirtySecondsOfSilenceEndInTime) {
  const auto error = ErrorOfPut(Always(Fault::kTimeoutAfter));
  EXPECT_THAT(error.message, HasSubstr(kUnknown));
  EXPECT_EQ(world_.fake().commits().size(), 1U);
}

TEST_F(FaultFiguresTest, ARepeatedTokenIsRecognised) {
  const std::vector<store::TransactionOperation> operations = {
      store::Put{.item = Versioned("p", 1, "a"), .condition = Condition::Absent()}};
  EXPECT_TRUE(world_.table().Transact(operations, "same")->committed);
  EXPECT_TRUE(world_.table().Transact(operations, "same")->committed);
  EXPECT_EQ(world_.fake().commits().size(), 1U);
  const std::vector<store::TransactionOperation> others = {store::Put{.item = Versioned("q", 1, "a")}};
  EXPECT_EQ(world_.table().Transact(others, "same").error().field, "token");
}

TEST_F(FaultFiguresTest, ReservedWordsNeverReachAnExpression) {
  // The fake reads a bare word as the attribute of that name; DynamoDB refuses it. So the requests are looked at.
  class Recorder final : public aws::HttpTransport {
   public:
    explicit Recorder(FakeDynamo& fake) : fake_(fake) {}
    std::expected<aws::HttpResponse, aws::TransportError> Send(const aws::HttpRequest& request,
                                                               std::stop_token stop) override {
      bodies.push_back(request.body);
      return fake_.Send(request, stop);
    }
    std::vector<std::string> bodies;

   private:
    FakeDynamo& fake_;
  } recorder(world_.fake());
  base::ManualClock clock(kStart);
  aws::FakeWaitClock wait_clock;
  aws::FakeSource source;
  aws::CredentialCache credentials(source, clock, wait_clock);
  aws::Client client({.region = "r", .endpoint = "http://127.0.0.1:1"}, {recorder, credentials, clock, wait_clock, {}});
  store_dynamodb::DynamoTable table(client, "fake", clock);
  Condition condition = Condition::Equals("owner", "o");
  condition.absent_attributes = {"state", "ttl"};
  ASSERT_TRUE(
      table
          .UpdateItem(
              {.key = {"p", "s"}, .set = {{"owner", "x"}, {"state", "y"}}, .remove = {"name"}, .condition = condition})
          .has_value());
  ASSERT_TRUE(table.RunQuery({.partition = "p", .sort = store::SortKeyBeginsWith{"s"}}).has_value());
  for (const std::string& body : recorder.bodies) {
    for (const char* member : {"ConditionExpression", "UpdateExpression", "KeyConditionExpression"}) {
      const std::size_t at = body.find(fmt::format("\"{}\":\"", member));
      if (at == std::string::npos) continue;
      const std::size_t begin = body.find(":\"", at) + 2;
      const std::string expression = body.substr(begin, body.find('"', begin) - begin);
      for (const char* word : {"owner", "state", "ttl", "name", "PK", "SK"})
        EXPECT_THAT(expression, testing::Not(HasSubstr(word))) << expression;
    }
  }
}

// --- random schedules ---

// One writer with faults, and somebody else who writes in between. Every write that is made carries a mark of its own,
// so that the fake's list of commits tells how often it happened.
class Schedule {
 public:
  explicit Schedule(std::uint32_t seed) : random_(seed) {
    world_.fake().script = [this](std::string_view) {
      Interfere();
      return Chance(3) ? static_cast<Fault>(Below(kFaultCount)) : Fault::kNone;
    };
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) Step();
    world_.fake().script = {};
    world_.fake().DeliverLate();
    CheckHistory();
    CheckReads();
  }
  int acknowledged() const { return acknowledged_; }
  int unknown() const { return unknown_; }

 private:
  enum class Claim : std::uint8_t { kOnce, kNever, kOnceOrNever, kAtLeastOnce, kAny };

  std::size_t Below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random_); }
  bool Chance(std::size_t one_in) { return Below(one_in) == 0; }
  std::string AnyPartition() { return fmt::format("p{}", Below(4)); }
  std::string NewMark() { return fmt::format("m{}", marks_++); }

  std::int64_t VersionThere(const std::string& pk) {
    const auto items = world_.fake().items();
    const auto found = items.find({pk, "s"});
    return found != items.end() ? *found->second.Find("version")->AsNumber()->AsInt64() : 0;
  }

  void Interfere() {
    if (!Chance(10)) return;
    const std::string pk = AnyPartition();
    world_.fake().WriteBehind(Versioned(pk, VersionThere(pk) + 1, "theirs" + NewMark()));
  }

  // What a result says about how often the write with that mark was carried out.
  template <class T>
  Claim ClaimOf(const base::Result<T>& result, bool happened) {
    if (result) {
      if (happened) ++acknowledged_;
      return happened ? Claim::kOnce : Claim::kNever;
    }
    EXPECT_EQ(result.error().code, ErrorCode::kUnavailable) << result.error().message;
    if (!result.error().message.contains(kUnknown)) return Claim::kNever;
    ++unknown_;
    return Claim::kOnceOrNever;
  }

  void Step() {
    switch (Below(6)) {
      case 0: return Put();
      case 1: return Update();
      case 2: return Transact();
      case 3: return Batch();
      case 4: return Read();
      default: return Transact();
    }
  }

  void Put() {
    const std::string pk = AnyPartition();
    const std::string mark = NewMark();
    // Now and then against a version that is not there any more.
    const std::int64_t version = std::max<std::int64_t>(0, VersionThere(pk) - (Chance(5) ? 1 : 0));
    const auto result =
        world_.table().PutItem({.item = Versioned(pk, version + 1, mark), .condition = IfVersion(version)});
    claims_[mark] = ClaimOf(result, result && result->applied);
  }

  void Update() {
    const std::string pk = AnyPartition();
    const std::string mark = NewMark();
    const std::int64_t version = VersionThere(pk);
    const auto result = world_.table().UpdateItem({.key = {pk, "s"},
                                                   .set = {{"version", Number::From(version + 1)}, {"mark", mark}},
                                                   .condition = IfVersion(version)});
    claims_[mark] = ClaimOf(result, result && result->applied);
  }

  void Transact() {
    const std::string mark = NewMark();
    std::vector<store::TransactionOperation> operations;
    for (const char* pk : {"p0", "p1", "p2"}) {
      if (!operations.empty() && Chance(2)) continue;
      const std::int64_t version = VersionThere(pk);
      operations.push_back(store::Put{.item = Versioned(pk, version + 1, mark + pk), .condition = IfVersion(version)});
    }
    const auto result = world_.table().Transact(operations, Chance(2) ? "t" + mark : "");
    const Claim claim = ClaimOf(result, result && result->committed);
    std::vector<std::string> marks;
    for (const auto& operation : operations)
      marks.push_back(*std::get<store::Put>(operation).item.Find("mark")->AsString());
    for (const auto& each : marks) claims_[each] = claim;
    together_.push_back(std::move(marks));
  }

  void Batch() {
    std::vector<store::BatchWriteOperation> operations;
    std::vector<std::string> marks;
    for (std::size_t i = 0; i < 5; ++i) {
      marks.push_back(NewMark());
      operations.push_back({Item{{"PK", fmt::format("batch{}", i)}, {"SK", "s"}, {"mark", marks.back()}}});
    }
    const auto result = world_.table().BatchWrite(operations);
    for (const auto& mark : marks) claims_[mark] = result ? Claim::kAtLeastOnce : Claim::kAny;
    if (!result) {
      EXPECT_EQ(result.error().code, ErrorCode::kUnavailable) << result.error().message;
      return;
    }
    for (const auto& operation : result->unprocessed)
      claims_[*std::get<Item>(operation.put_or_delete).Find("mark")->AsString()] = Claim::kAny;
  }

  void Read() {
    const Key key{AnyPartition(), "s"};
    const auto got = world_.table().Get(key, Consistency::kStrong);
    if (!got) {
      EXPECT_EQ(got.error().code, ErrorCode::kUnavailable) << got.error().message;
      EXPECT_THAT(got.error().message, testing::Not(HasSubstr(kUnknown)));
      return;
    }
    const auto items = world_.fake().items();
    const auto found = items.find(key);
    EXPECT_EQ(got->item, found != items.end() ? std::optional(found->second) : std::nullopt);
  }

  void CheckHistory() {
    std::map<std::string, int> times;
    std::map<Key, std::int64_t> versions;
    for (const auto& commit : world_.fake().commits()) {
      ASSERT_TRUE(commit.item.has_value());
      ++times[*commit.item->Find("mark")->AsString()];
      const store::AttributeValue* version = commit.item->Find("version");
      if (version == nullptr) continue;
      // No update is lost: each version follows the one before.
      EXPECT_EQ(*version->AsNumber()->AsInt64(), ++versions[commit.key]) << commit.key.pk;
    }
    for (const auto& [mark, claim] : claims_) {
      const int count = times[mark];
      const bool right = claim == Claim::kAny || (claim == Claim::kOnce && count == 1) ||
                         (claim == Claim::kNever && count == 0) || (claim == Claim::kOnceOrNever && count <= 1) ||
                         (claim == Claim::kAtLeastOnce && count >= 1);
      EXPECT_TRUE(right) << mark << ": claim " << static_cast<int>(claim) << ", carried out " << count << " times";
    }
    for (const auto& marks : together_) {
      std::set<int> counts;
      for (const auto& mark : marks) counts.insert(times[mark]);
      EXPECT_EQ(counts.size(), 1U) << marks.front() << ": half a transaction";
    }
  }

  void CheckReads() {
    for (const auto& [key, item] : world_.fake().items()) {
      const auto got = world_.table().Get(key, Consistency::kStrong);
      ASSERT_TRUE(got.has_value()) << got.error().message;
      EXPECT_EQ(got->item, item);
    }
  }

  World world_;
  std::mt19937 random_;
  int marks_ = 0;
  int acknowledged_ = 0;
  int unknown_ = 0;
  std::map<std::string, Claim> claims_;
  std::vector<std::vector<std::string>> together_;
};

TEST(FaultSchedules, NothingIsLostAndNothingDoubled) {
  const char* wanted = std::getenv("GUIDON_TEST_SCHEDULES");
  const int schedules = wanted != nullptr ? std::atoi(wanted) : 1000;
  int acknowledged = 0;
  int unknown = 0;
  for (int seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Schedule schedule(static_cast<std::uint32_t>(seed));
    schedule.Run(40);
    acknowledged += schedule.acknowledged();
    unknown += schedule.unknown();
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  fmt::print("{} schedules: {} writes acknowledged, {} reported as unknown\n", schedules, acknowledged, unknown);
  // A table that gives every write up as unknown would pass everything above.
  EXPECT_GT(acknowledged, unknown * 10);
}

}  // namespace
}  // namespace guidon::dynamodb_test
