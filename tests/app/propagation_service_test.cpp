// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include <gmock/gmock.h>

#include "guidon/store/metered_table.hpp"
#include "support.hpp"

// Who has a change, over nodes that share a table.
namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class PropagationOverNodes : public ::testing::Test {
 protected:
  PropagationOverNodes() {
    world.app->contact().Follow(milliseconds(3000));
    other->contact().Follow(milliseconds(3000));
    world.CreateFlag("f");
    Must(other->Follow());
    Must(world.app->Follow());
    Must(other->propagation().Report());
  }

  std::uint64_t Engage(const std::string& scope = "flag:f") {
    return Must(world.app->kill_switches().Engage(world.Admin(), development, Scope(scope), "r")).sequence;
  }
  PropagationStatus Get(std::uint64_t sequence) {
    return Must(world.app->propagation().Await(world.Admin(), development, sequence, milliseconds(0)));
  }
  // Reports are read again only after a moment.
  void NextLook() { std::this_thread::sleep_for(milliseconds(210)); }
  static const NodeProgress& Other(const PropagationStatus& status) { return status.nodes.at(1); }
  static constexpr ClientIdentity kClient{.tenant = "acme", .key_id = "k1", .address = "10.0.0.1"};

  World world;
  store::MeteredTable metered{world.table};
  std::unique_ptr<Application> other = world.NewNode(metered);
  const model::Environment development = Env("development");
};

TEST_F(PropagationOverNodes, ANodeIsBehindUntilItSaysThatItServesTheChange) {
  Propagation::Client* const client = other->receipts().Open("development", kClient, 1);
  const std::uint64_t sequence = Engage();
  PropagationStatus status = Get(sequence);
  EXPECT_FALSE(status.complete);
  ASSERT_EQ(status.nodes.size(), 2U);
  EXPECT_TRUE(status.nodes[0].self);
  EXPECT_EQ(status.nodes[0].state, NodeState::kServing);
  EXPECT_EQ(Other(status).node, other->node());
  EXPECT_EQ(Other(status).state, NodeState::kBehind);
  EXPECT_EQ(Other(status).sequence, sequence - 1);

  Must(other->Follow());
  Must(other->propagation().Report());
  NextLook();
  status = Get(sequence);
  EXPECT_EQ(Other(status).state, NodeState::kServing);
  EXPECT_FALSE(status.complete);
  EXPECT_EQ(status.clients.connected, 1U);
  EXPECT_EQ(status.clients.converged, 0U);
  ASSERT_EQ(status.waiting.size(), 1U);
  EXPECT_EQ(status.waiting[0].node, other->node());
  EXPECT_EQ(status.waiting[0].clients.address, "10.0.0.1");
  EXPECT_EQ(status.waiting[0].clients.tenant, "acme");

  other->receipts().Refetched("development", kClient, sequence);
  Must(other->propagation().Report());
  NextLook();
  status = Get(sequence);
  EXPECT_TRUE(status.complete);
  EXPECT_EQ(status.clients.converged, 1U);
  EXPECT_EQ(status.clients.curve.count(), 1U);
  EXPECT_TRUE(status.waiting.empty());
  other->receipts().Close(client);
}

TEST_F(PropagationOverNodes, WhoWaitsIsToldWhenTheLastNodeAndClientHasIt) {
  Propagation::Client* const client = other->receipts().Open("development", kClient, 1);
  const std::uint64_t sequence = Engage("global");
  std::jthread elsewhere([&] {
    Must(other->Follow());
    Must(other->propagation().Report());
    other->receipts().Refetched("development", kClient, sequence);
    Must(other->propagation().Report());
  });
  const auto status = Must(world.app->propagation().Await(world.Admin(), development, sequence, seconds(30)));
  EXPECT_TRUE(status.complete);
  elsewhere.join();
  other->receipts().Close(client);
}

TEST_F(PropagationOverNodes, ANodeThatDoesNotKnowTheChangeReadsTheLogFirst) {
  const std::uint64_t sequence = Engage();
  Must(world.app->propagation().Report());
  const auto status = Must(other->propagation().Get(world.Admin(), development, sequence));
  EXPECT_TRUE(status.complete);
  EXPECT_EQ(*other->snapshots().SequenceOf("development"), sequence);
  EXPECT_EQ(MustFail(other->propagation().Get(world.Admin(), development, sequence + 1)).code, ErrorCode::kNotFound);
}

TEST_F(PropagationOverNodes, ASilentNodeIsOutOfTouchThenForgottenAndOneThatEndsIsGone) {
  std::uint64_t sequence = Engage();
  world.clock.Advance(kNodeSilenceMax + seconds(1));
  Must(world.app->Follow());
  NextLook();
  EXPECT_EQ(Other(Get(sequence)).state, NodeState::kOutOfTouch);
  EXPECT_FALSE(Get(sequence).complete);
  world.clock.Advance(kNodeReportKept);
  NextLook();
  Must(world.app->Follow());
  EXPECT_EQ(Get(sequence).nodes.size(), 1U);
  EXPECT_TRUE(Get(sequence).complete);

  Must(other->Follow());
  Must(other->propagation().Report());
  NextLook();
  EXPECT_EQ(Get(sequence).nodes.size(), 2U);
  Must(other->propagation().Retire());
  NextLook();
  EXPECT_EQ(Get(sequence).nodes.size(), 1U);
}

TEST_F(PropagationOverNodes, WhileTheStoreIsSilentTheAnswerIsWhatIsKnown) {
  const std::uint64_t sequence = Engage();
  EXPECT_EQ(Get(sequence).nodes.size(), 2U);
  world.clock.Advance(seconds(4));
  int reads = 0;
  world.table.OnRead([&]() -> base::Status {
    ++reads;
    return base::Fail(ErrorCode::kUnavailable, "silence");
  });
  NextLook();
  const auto status = Get(sequence);
  EXPECT_EQ(reads, 0);
  EXPECT_FALSE(status.complete);
  ASSERT_EQ(status.nodes.size(), 2U);
  EXPECT_EQ(status.nodes[0].state, NodeState::kOutOfTouch);
  EXPECT_EQ(MustFail(world.app->propagation().Get(world.Admin(), development, sequence + 1)).code,
            ErrorCode::kNotFound);
  EXPECT_EQ(reads, 0);
  world.table.OnRead({});
}

TEST_F(PropagationOverNodes, ReportsAreWrittenWhereTheyDifferOnly) {
  const auto writes = [&] { return metered.FiguresOf(store::TableOperation::kPut).calls; };
  const std::uint64_t before = writes();
  for (int i = 0; i < 10; ++i) Must(other->propagation().Report());
  EXPECT_EQ(writes(), before);
  Engage();
  Must(other->Follow());
  for (int i = 0; i < 10; ++i) Must(other->propagation().Report());
  EXPECT_EQ(writes(), before + 1);
}

TEST_F(PropagationOverNodes, OfAReportThatNobodyUnderstandsOnlyTheNodeIsKnown) {
  Must(world.memory.PutItem(
      store::PutNode({.node = "newer", .at = world.clock.Now(), .report = R"({"later":true})", .kept = seconds(600)})));
  NextLook();
  const auto status = Get(Engage());
  ASSERT_EQ(status.nodes.size(), 3U);
  EXPECT_FALSE(status.complete);
  for (const NodeProgress& node : status.nodes) {
    if (node.node == "newer") EXPECT_EQ(node.state, NodeState::kBehind);
  }
}

TEST_F(PropagationOverNodes, ATenantsAdministratorHearsOfItsOwnClientsOnOtherNodes) {
  constexpr ClientIdentity kOperator{.kind = ClientKind::kManagement, .address = "10.9.9.9"};
  other->receipts().Open("development", kClient, 1);
  other->receipts().Open("development", kOperator, 1);
  const std::uint64_t sequence = Engage("tenant:acme");
  Must(other->Follow());
  Must(other->propagation().Report());
  RequestInfo acme = world.Admin();
  acme.principal = {.kind = PrincipalKind::kAdmin, .id = "a", .tenant_id = "acme"};
  const auto status = Must(world.app->propagation().Get(acme, development, sequence));
  EXPECT_FALSE(status.complete);
  ASSERT_EQ(status.waiting.size(), 1U);
  EXPECT_EQ(status.waiting[0].clients.tenant, "acme");
  EXPECT_FALSE(Other(status).clients.has_value());
  EXPECT_FALSE(Other(status).sequence.has_value());
  EXPECT_FALSE(status.nodes[0].sequence.has_value());
}

TEST(PropagationAlone, OnAStoreOfItsOwnANodeAsksNobody) {
  World world;
  world.CreateFlag("f");
  const auto sequence =
      Must(world.app->kill_switches().Engage(world.Admin(), Env("development"), Scope("global"), "r")).sequence;
  const auto status = Must(world.app->propagation().Get(world.Admin(), Env("development"), sequence));
  EXPECT_TRUE(status.complete);
  EXPECT_EQ(status.nodes.size(), 1U);
  const auto latest = Must(world.app->propagation().Latest(world.Admin(), Env("development"), 10));
  ASSERT_EQ(latest.size(), 2U);
  EXPECT_EQ(latest[0].sequence, sequence);
  EXPECT_EQ(latest[0].change->action, "kill.engage");
}

}  // namespace
}  // namespace guidon::app::testing
