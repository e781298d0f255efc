// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/propagation.hpp"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guidon::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kEnvironment = "production";
const std::string kChangedBy = "kill.engage";

class PropagationTest : public ::testing::Test {
 protected:
  PropagationTest() : registry_({*model::Environment::Parse(kEnvironment)}, {}) {
    registry_.FeedOf(kEnvironment)->Start(10);
    propagation_ = std::make_unique<Propagation>(registry_, clock_);
  }

  // The next change, for everyone or for the tenants.
  std::uint64_t Change(const std::vector<std::string>& tenants = {}) {
    Audience audience{.everyone = tenants.empty()};
    for (const std::string& tenant : tenants) audience.Add(tenant);
    ++sequence_;
    store::ChangeRecord record{.scope = std::string(kEnvironment),
                               .sequence = sequence_,
                               .at = clock_.Now() - milliseconds(7),
                               .action = kChangedBy,
                               .entity = "kill",
                               .resource = "global"};
    registry_.FeedOf(kEnvironment)
        ->Append({.sequence = sequence_,
                  .served = sequence_,
                  .at = clock_.Now(),
                  .published = Propagation::Clock::now(),
                  .audience = audience,
                  .changes = {{.record = record, .audience = audience}}});
    return sequence_;
  }
  static ClientIdentity At(std::string_view address, std::string_view tenant = "") {
    return {.tenant = tenant, .key_id = "k1", .address = address};
  }
  Propagation::Client* Open(const ClientIdentity& identity) {
    return propagation_->Open(kEnvironment, identity, sequence_);
  }
  void Refetch(const ClientIdentity& identity) { propagation_->Refetched(kEnvironment, identity, sequence_); }
  ChangeProgress Progress(std::uint64_t of, std::string_view tenant = "") {
    auto progress = propagation_->ProgressOf(kEnvironment, of, tenant, 10);
    EXPECT_TRUE(progress.has_value());
    return progress.value_or(ChangeProgress{});
  }
  void Expect(std::uint64_t of, std::uint64_t connected, std::uint64_t converged) {
    const ChangeProgress progress = Progress(of);
    EXPECT_EQ(progress.connected, connected);
    EXPECT_EQ(progress.converged, converged);
    std::uint64_t waiting = progress.waiting_others;
    for (const WaitingClients& clients : progress.waiting) waiting += clients.waiting;
    EXPECT_EQ(waiting, connected - converged);
  }

  base::ManualClock clock_{base::Timestamp{seconds(1'800'000'000)}};
  SnapshotRegistry registry_;
  std::unique_ptr<Propagation> propagation_;
  std::uint64_t sequence_ = 10;
};

TEST_F(PropagationTest, AClientHasAChangeOnceItAskedAgain) {
  Open(At("10.0.0.1"));
  Open(At("10.0.0.2"));
  const std::uint64_t change = Change();
  Expect(change, 2, 0);
  Refetch(At("10.0.0.2"));
  Expect(change, 2, 1);
  EXPECT_THAT(
      Progress(change).waiting,
      ElementsAre(WaitingClients{
          .kind = ClientKind::kEvaluation, .address = "10.0.0.1", .key_id = "k1", .waiting = 1, .connected = 1}));
  EXPECT_EQ(Progress(change).served_after.count() / 1000, 6);  // committed 7 ms before, published a moment ago
  EXPECT_EQ(propagation_->Behind(kEnvironment), 1U);
  Refetch(At("10.0.0.1"));
  Expect(change, 2, 2);
  EXPECT_EQ(Progress(change).curve.count(), 2U);
  EXPECT_GE(Progress(change).curve.LastMs(), 6);
  EXPECT_EQ(propagation_->Behind(kEnvironment), 0U);
  EXPECT_EQ(propagation_->converged_times().counts[3] + propagation_->converged_times().counts[4], 2U);
}

TEST_F(PropagationTest, ClientsThatLookAlikeAreCounted) {
  for (int i = 0; i < 3; ++i) Open(At("10.0.0.1"));
  const std::uint64_t change = Change();
  Refetch(At("10.0.0.1"));
  Expect(change, 3, 1);
  const auto waiting = Progress(change).waiting;
  ASSERT_THAT(waiting, SizeIs(1));
  EXPECT_EQ(waiting[0].waiting, 2U);
  EXPECT_EQ(waiting[0].connected, 3U);
  // More answers than clients count for nothing.
  for (int i = 0; i < 5; ++i) Refetch(At("10.0.0.1"));
  Expect(change, 3, 3);
}

TEST_F(PropagationTest, WhoHangsStaysTheOneWhoHangs) {
  Open(At("10.0.0.1"));
  Open(At("10.0.0.1"));
  const std::uint64_t first = Change();
  Refetch(At("10.0.0.1"));
  const std::uint64_t second = Change();
  Refetch(At("10.0.0.1"));
  // One of the two has both, the other neither: not each of them one.
  Expect(first, 2, 1);
  Expect(second, 2, 1);
}

TEST_F(PropagationTest, OneWhoWentIsNotWaitedForAndOneWhoWaitsIsNotForgotten) {
  Propagation::Client* const alone = Open(At("10.0.0.1"));
  Propagation::Client* const pair = Open(At("10.0.0.2"));
  Open(At("10.0.0.2"));
  const std::uint64_t change = Change();
  Refetch(At("10.0.0.2"));
  Expect(change, 3, 1);
  propagation_->Close(alone);
  Expect(change, 2, 1);
  // Which of the two it was is not known: the one that is waited for stays.
  propagation_->Close(pair);
  EXPECT_EQ(Progress(change).waiting_count(), 1U);
  propagation_->Close(pair);
  EXPECT_EQ(Progress(change).waiting_count(), 0U);
  EXPECT_THAT(Progress(change).waiting, IsEmpty());
}

TEST_F(PropagationTest, ATenantsChangeWaitsForTheTenantsClientsOnly) {
  Open(At("10.0.0.1", "acme"));
  Open(At("10.0.0.2", "globex"));
  Open(At("10.0.0.3"));
  Open({.kind = ClientKind::kManagement, .address = "10.0.0.4"});
  Open({.kind = ClientKind::kManagement, .tenant = "globex", .address = "10.0.0.5"});
  const std::uint64_t change = Change({"acme"});
  Expect(change, 2, 0);  // acme's, and who sees everything
  EXPECT_EQ(propagation_->Behind(kEnvironment), 2U);
  const std::uint64_t shared = Change();
  Expect(shared, 4, 0);
  // The tenant's administrator hears of its own clients and changes.
  const ChangeProgress own = Progress(change, "acme");
  EXPECT_EQ(own.connected, 1U);
  EXPECT_EQ(own.converged, 0U);
  ASSERT_THAT(own.waiting, SizeIs(1));
  EXPECT_EQ(own.waiting[0].address, "10.0.0.1");
  EXPECT_FALSE(propagation_->ProgressOf(kEnvironment, change, "globex", 10));
  EXPECT_FALSE(propagation_->ProgressOf(kEnvironment, shared, "acme", 10));
  EXPECT_THAT(propagation_->Latest(kEnvironment, "acme", 5), ElementsAre(change));
  EXPECT_THAT(propagation_->Latest(kEnvironment, "", 5), ElementsAre(shared, change));
}

TEST_F(PropagationTest, StreamsThatAreSentTheChangeAreToldInOneGo) {
  const ClientIdentity identity{.kind = ClientKind::kFlagd, .address = "10.0.0.1"};
  Propagation::Client* const one = Open(identity);
  Propagation::Client* const other = Open(identity);
  const std::uint64_t before = sequence_;
  const std::uint64_t change = Change();
  const Propagation::Receipt receipt{.client = one, .known = before, .sequence = change};
  propagation_->Converged({&receipt, 1});
  Expect(change, 2, 1);
  propagation_->Close(one, change);
  Expect(change, 2, 1);  // it had it
  propagation_->Close(other, before);
  Expect(change, 1, 1);
}

TEST_F(PropagationTest, OneWhoComesBackLateIsWaitedFor) {
  const std::uint64_t change = Change();
  propagation_->Open(kEnvironment, At("10.0.0.1"), change - 1);
  Open(At("10.0.0.2"));
  Expect(change, 1, 0);
}

TEST_F(PropagationTest, WhoAcknowledgesIsKnownByName) {
  Propagation::Client* const stream = Open(At("10.0.0.1"));
  Open(At("10.0.0.1"));
  const std::uint64_t first = Change();
  propagation_->Acknowledged(kEnvironment, At("10.0.0.1"), "checkout-7", first);
  Expect(first, 2, 1);
  const std::uint64_t second = Change();
  Refetch(At("10.0.0.1"));
  Expect(second, 2, 1);
  auto waiting = Progress(second).waiting;
  ASSERT_THAT(waiting, SizeIs(1));
  EXPECT_EQ(waiting[0].kind, ClientKind::kNamed);
  EXPECT_EQ(waiting[0].name, "checkout-7");
  EXPECT_EQ(waiting[0].address, "10.0.0.1");
  propagation_->Acknowledged(kEnvironment, At("10.0.0.1"), "checkout-7", second);
  Expect(second, 2, 2);
  Expect(first, 2, 2);
  // Its streams end: nobody is left to be waited for.
  propagation_->Close(stream);
  propagation_->Close(stream);
  const std::uint64_t third = Change();
  Expect(third, 0, 0);
}

TEST_F(PropagationTest, WhoAcknowledgesWithoutAStreamIsWaitedForAWhile) {
  propagation_->Acknowledged(kEnvironment, At("10.0.0.9"), "poller", sequence_);
  const std::uint64_t change = Change();
  Expect(change, 1, 0);
  EXPECT_EQ(Progress(change).waiting.at(0).name, "poller");
  propagation_->Acknowledged(kEnvironment, At("10.0.0.9"), "poller", change);
  Expect(change, 1, 1);
}

TEST_F(PropagationTest, WhatIsForgottenIsAnsweredByWhoHasEverything) {
  Open(At("10.0.0.1"));
  Open(At("10.0.0.2", "acme"));
  const std::uint64_t before = sequence_;
  for (std::size_t i = 0; i < kProgressChangesMax; ++i) Change();
  const std::uint64_t last = Change({"acme"});
  // The first of them is forgotten; both clients lack all.
  ChangeProgress progress = Progress(before + 1);
  EXPECT_EQ(progress.entry, nullptr);
  EXPECT_EQ(progress.waiting_count(), 2U);
  propagation_->Refetched(kEnvironment, At("10.0.0.1"), last - 1);
  Refetch(At("10.0.0.2", "acme"));
  EXPECT_EQ(Progress(before + 1).waiting_count(), 0U);
  EXPECT_EQ(propagation_->Behind(kEnvironment), 0U);  // the last one was not the first client's business
  EXPECT_FALSE(propagation_->ProgressOf(kEnvironment, last + 1, "", 10));
  EXPECT_FALSE(propagation_->ProgressOf("nowhere", 1, "", 10));
}

TEST_F(PropagationTest, ALogThatWentBackIsCountedAnew) {
  Open(At("10.0.0.1"));
  Change();
  Change();
  Refetch(At("10.0.0.1"));
  sequence_ = 4;
  Change();
  EXPECT_EQ(propagation_->Served(kEnvironment), 5U);
  const std::uint64_t change = Change();
  Expect(change, 1, 0);
  Refetch(At("10.0.0.1"));
  Expect(change, 1, 1);
}

TEST_F(PropagationTest, EntriesAreBoundedAndTheRestIsCounted) {
  std::vector<std::string> addresses;
  for (int i = 0; i < 30; ++i) addresses.push_back("10.0.0." + std::to_string(i));
  for (const std::string& address : addresses) Open(At(address));
  const ChangeProgress progress = Progress(Change());
  EXPECT_THAT(progress.waiting, SizeIs(10));
  EXPECT_EQ(progress.waiting_others, 20U);
}

TEST_F(PropagationTest, WaitingEndsWhenTheLastClientHasIt) {
  Open(At("10.0.0.1"));
  Open(At("10.0.0.2"));
  const std::uint64_t before = propagation_->news();
  const std::uint64_t change = Change();
  EXPECT_EQ(propagation_->news(), before + 1);
  Refetch(At("10.0.0.1"));
  EXPECT_EQ(propagation_->news(), before + 1);
  std::jthread last([&] { Refetch(At("10.0.0.2")); });
  propagation_->AwaitNews(before + 1, Propagation::Clock::now() + seconds(30));
  EXPECT_EQ(Progress(change).waiting_count(), 0U);
  propagation_->StopWaiting();
  propagation_->AwaitNews(propagation_->news(), Propagation::Clock::now() + seconds(30));
  EXPECT_TRUE(propagation_->stopping());
}

TEST_F(PropagationTest, ManyThreadsAtOnceKeepTheCount) {
  constexpr int kThreads = 4;
  constexpr int kClients = 200;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      const std::string address = "10.0.0." + std::to_string(thread);
      for (int i = 0; i < kClients; ++i) {
        Propagation::Client* const client = propagation_->Open(kEnvironment, At(address), 10);
        propagation_->Refetched(kEnvironment, At(address), 11);
        if (i % 2 == 0) propagation_->Close(client);
      }
    });
  }
  const std::uint64_t change = Change();
  threads.clear();
  for (int thread = 0; thread < kThreads; ++thread) {
    const std::string address = "10.0.0." + std::to_string(thread);
    for (int i = 0; i < kClients; ++i) propagation_->Refetched(kEnvironment, At(address), change);
  }
  EXPECT_EQ(Progress(change).waiting_count(), 0U);
  EXPECT_EQ(propagation_->Behind(kEnvironment), 0U);
}

}  // namespace
}  // namespace guidon::app
