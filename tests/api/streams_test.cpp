// SPDX-License-Identifier: Apache-2.0
// Event streams without sockets: who is admitted, what is sent to whom, what a client that comes back is told.
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.hpp"
#include "streams_fixture.hpp"

namespace guidon::api_test {
namespace {

using api_http::Session;
using api_http::StreamRequest;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// The value of a field of the first event in `text`.
std::string FieldOf(const std::string& text, const std::string& field) {
  const std::size_t at = text.find(field + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + field.size() + 2;
  return text.substr(begin, text.find('\n', begin) - begin);
}

Headers Bearer(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

TEST_F(Streams, AChangeReachesEveryStreamThatItConcernsAndIsWrittenDownOnce) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  std::vector<std::shared_ptr<Peer>> peers;
  for (int i = 0; i < 600; ++i) peers.push_back(ConnectFor("acme"));
  const std::uint64_t before = Made();
  Patch("f", R"({"defaultEnabled":false})");
  Pump();
  const std::string event = peers[0]->Take();
  for (std::size_t i = 1; i < peers.size(); ++i) EXPECT_EQ(peers[i]->Take(), event);
  EXPECT_EQ(Made(), before + 1);
  EXPECT_EQ(FieldOf(event, "event"), "message");
  const std::string id = FieldOf(event, "id");
  EXPECT_EQ(FieldOf(event, "data"),
            R"({"type":"refetchEvaluation","etag":"\")" + id + R"(\"","lastModified":1795321380})");
  EXPECT_TRUE(event.ends_with("\n\n"));
  // The client asks again with what the event said, and is accepted.
  EXPECT_EQ(
      harness
          .Send("POST", "/ofrep/v1/evaluate/flags?flagConfigEtag=%22" + id + "%22&flagConfigLastModified=1795321380",
                R"({"context":{"tenantId":"acme"}})")
          .status,
      200);
}

TEST_F(Streams, SoManyAtATimeThenOthersHaveTheirTurn) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  std::vector<std::shared_ptr<Peer>> peers;
  for (int i = 0; i < 600; ++i) peers.push_back(ConnectFor(""));
  Patch("f", R"({"defaultEnabled":false})");
  pumps_asked = 0;
  hub->Pump(now);
  EXPECT_EQ(pumps_asked, 1);
  int reached = 0;
  for (const auto& peer : peers) reached += peer->received.empty() ? 0 : 1;
  EXPECT_GT(reached, 0);
  EXPECT_LT(reached, 600);
  Pump();
  for (const auto& peer : peers) EXPECT_THAT(peer->Take(), HasSubstr("refetchEvaluation"));
}

TEST_F(Streams, ATenantsChangeIsNobodyElsesBusiness) {
  harness.MakeFlag(R"({"flagKey":"shared","owner":"o","defaultEnabled":true})");
  Pump();
  const std::string uri_before = UriFor("globex");
  const auto acme = ConnectFor("acme");
  const auto globex = ConnectFor("globex");
  const auto nobody = ConnectFor("");
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","tenantId":"acme","defaultEnabled":true})");
  ASSERT_EQ(harness.Send("PUT", kEnvironment + "/flags/shared/overrides/acme", R"({"enabled":false})").status, 200);
  Engage("tenant:acme");
  Later(milliseconds(200));
  Pump();
  EXPECT_THAT(acme->Take(), HasSubstr("refetchEvaluation"));
  EXPECT_EQ(globex->Take(), "");
  EXPECT_EQ(nobody->Take(), "");
  // Nor does the URL show that something happened, and coming back tells nothing.
  EXPECT_EQ(UriFor("globex"), uri_before);
  EXPECT_EQ(Connect(uri_before)->Take(), "");
  Patch("shared", R"({"defaultEnabled":false})");
  Later(milliseconds(200));
  Pump();
  for (const auto& peer : {acme, globex, nobody}) EXPECT_THAT(peer->Take(), HasSubstr("refetchEvaluation"));
}

TEST_F(Streams, IdsOfOneTenantSayNothingToAnother) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  const auto acme = ConnectFor("acme");
  const auto globex = ConnectFor("globex");
  Patch("f", R"({"defaultEnabled":false})");
  Pump();
  const std::string of_acme = FieldOf(acme->Take(), "id");
  const std::string of_globex = FieldOf(globex->Take(), "id");
  EXPECT_NE(of_acme, of_globex);
  EXPECT_EQ(of_acme.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  // Another's id is one that cannot be read: the client is told to look again.
  const auto back = Connect(UriFor("globex"), {{"Last-Event-ID", of_acme}});
  EXPECT_THAT(back->Take(), HasSubstr("refetchEvaluation"));
}

TEST_F(Streams, WhoComesBackIsToldOfWhatItMissedAndOfNothingElse) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  const std::string uri = UriFor("acme");
  // Between the answer and the stream's opening something changes.
  Patch("f", R"({"defaultEnabled":false})");
  const auto late = Connect(uri);
  const std::string missed = late->Take();
  EXPECT_THAT(missed, HasSubstr("refetchEvaluation"));
  const std::string id = FieldOf(missed, "id");
  EXPECT_EQ(Connect(uri, {{"Last-Event-ID", id}})->Take(), "");
  Patch("f", R"({"defaultEnabled":true})");
  Patch("f", R"({"defaultEnabled":false})");
  const std::string again = Connect(uri, {{"Last-Event-ID", id}})->Take();
  EXPECT_THAT(again, HasSubstr("refetchEvaluation"));
  EXPECT_NE(FieldOf(again, "id"), id);
  // One for many.
  EXPECT_EQ(again.find("id: "), again.rfind("id: "));
}

TEST_F(Streams, TheHistoryIsBoundedAndWhatIsOlderIsToldAnew) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  const std::string uri = UriFor("acme");
  harness.MakeFlag(R"({"flagKey":"g","owner":"o","tenantId":"globex","defaultEnabled":true})");
  for (std::size_t i = 0; i <= app::kFeedEntriesMax; ++i)
    Patch("g", i % 2 == 0 ? R"({"defaultEnabled":false})" : R"({"defaultEnabled":true})");
  // Nothing of it was acme's, but this node cannot know that any more.
  EXPECT_THAT(Connect(uri)->Take(), HasSubstr("refetchEvaluation"));
}

TEST_F(Streams, BurstsBecomeOneEventAndKillSwitchesDoNotWait) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  const auto peer = ConnectFor("");
  Patch("f", R"({"defaultEnabled":false})");
  Pump();
  EXPECT_THAT(peer->Take(), HasSubstr("refetchEvaluation")) << "the first goes at once";
  for (int i = 0; i < 10; ++i) Patch("f", R"({"description":")" + std::to_string(i) + R"("})");
  pump_after = milliseconds(0);
  Pump();
  EXPECT_EQ(peer->Take(), "");
  EXPECT_GT(pump_after.count(), 0);
  Later(pump_after);
  Pump();
  const std::string one = peer->Take();
  EXPECT_THAT(one, HasSubstr("refetchEvaluation"));
  EXPECT_EQ(one.find("id: "), one.rfind("id: "));
  Engage("flag:f");
  Pump();
  EXPECT_THAT(peer->Take(), HasSubstr("refetchEvaluation"));
}

TEST_F(Streams, AClientThatDoesNotReadGetsTheNewestOnceItReads) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  const auto slow = ConnectFor("");
  slow->room = 10;
  for (int i = 0; i < 5; ++i) {
    Patch("f", R"({"description":")" + std::to_string(i) + R"("})");
    Later(milliseconds(200));
    Pump();
  }
  EXPECT_EQ(slow->received.size(), 10U);
  ASSERT_NE(slow->waiting, nullptr);
  slow->room = 1'000'000;
  hub->Writable(*slow->waiting);
  // The event under way, and the newest; what lay between is in that.
  const std::string text = slow->Take();
  std::vector<std::string> ids;
  for (std::size_t at = 0; (at = text.find("id: ", at)) != std::string::npos; ++at)
    ids.push_back(text.substr(at + 4, text.find('\n', at) - at - 4));
  ASSERT_THAT(ids, SizeIs(2));
  EXPECT_EQ(harness.app->stream_tokens().SequenceOf("e/development/", ids[1]), 6U);
}

TEST_F(Streams, AClientThatNeverReadsIsClosed) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  const auto slow = ConnectFor("");
  slow->room = 0;
  Patch("f", R"({"defaultEnabled":false})");
  Pump();
  for (int i = 0; i < 19; ++i) hub->Tick();
  EXPECT_FALSE(slow->closed);
  for (int i = 0; i < 4; ++i) hub->Tick();
  EXPECT_TRUE(slow->closed);
  EXPECT_EQ(hub->size(), 0U);
  EXPECT_EQ(harness.io->counters.streams_dropped.value(), 1U);
  EXPECT_EQ(harness.api->streams().count(), 0U);
}

TEST_F(Streams, SilentStreamsGetCommentsAndOldOnesEnd) {
  const auto peer = ConnectFor("");
  int comments = 0;
  int ticks = 0;
  for (; !peer->closed && ticks < 6000; ++ticks) {
    hub->Tick();
    if (peer->received == ":\n\n") ++comments;
    if (!peer->closed) peer->Take();
  }
  EXPECT_GE(ticks, 2700);
  EXPECT_LE(ticks, 4501);
  EXPECT_NEAR(comments, ticks / 20.0, 1);
  EXPECT_TRUE(peer->received.starts_with("retry: ")) << peer->received;
}

TEST_F(Streams, AtTheEndClientsAreSpreadOut) {
  std::vector<std::shared_ptr<Peer>> peers;
  for (int i = 0; i < 100; ++i) peers.push_back(ConnectFor(""));
  hub->Drain();
  std::vector<int> hints;
  for (const auto& peer : peers) {
    EXPECT_TRUE(peer->closed);
    hints.push_back(std::stoi(FieldOf(peer->received, "retry")));
  }
  std::ranges::sort(hints);
  EXPECT_GE(hints.front(), 250);
  EXPECT_LE(hints.back(), 10'000);
  EXPECT_GT(hints[75] - hints[25], 2'000) << "they would all come at once";
  EXPECT_EQ(harness.api->streams().count(), 0U);
}

TEST_F(Streams, WhatIsLostIsLeftAndTheRestGoesOn) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  std::vector<std::shared_ptr<Peer>> peers;
  for (int i = 0; i < 50; ++i) peers.push_back(ConnectFor(""));
  for (std::size_t i = 0; i < peers.size(); i += 2) peers[i]->gone = true;
  hub->Ended(*peers[1]->stream);
  Patch("f", R"({"defaultEnabled":false})");
  Pump();
  EXPECT_EQ(hub->size(), 24U);
  for (std::size_t i = 3; i < peers.size(); i += 2) {
    const std::string text = peers[i]->Take();
    EXPECT_THAT(text, HasSubstr("refetchEvaluation"));
    EXPECT_EQ(text.find("id: "), text.rfind("id: "));
  }
}

TEST_F(Streams, ThereAreSoManyAndNoMore) {
  api_http::ServerOptions options;
  options.limits.streams_max = 1;
  Harness small(true, options);
  const auto open = [&](Session& session) {
    return ParseReplies(Harness::Drive(session, RequestText("GET", kEnvironment + "/events")), true).at(0).status;
  };
  Session one(*small.api, *small.io, "127.0.0.1");
  Session two(*small.api, *small.io, "127.0.0.1");
  EXPECT_EQ(open(one), 200);
  Session refused(*small.api, *small.io, "127.0.0.1");
  const auto reply = ParseReplies(Harness::Drive(refused, RequestText("GET", kEnvironment + "/events"))).at(0);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("Retry-After"), "1");
  EXPECT_EQ(reply.Code(), "UNAVAILABLE");
  one.TakeStream();  // and lets go of it
  EXPECT_EQ(open(two), 200);
}

TEST_F(Streams, TheAnswersHeadIsThatOfAStream) {
  const Reply head = harness.Send("HEAD", UriFor(""));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("Content-Type"), "text/event-stream");
  EXPECT_EQ(head.Header("Cache-Control"), "no-store");
  EXPECT_EQ(head.Header("X-Accel-Buffering"), "no");
  EXPECT_EQ(head.Header("Content-Length"), "");
  EXPECT_EQ(harness.api->streams().count(), 0U) << "HEAD opens nothing";
}

TEST_F(Streams, ATokenThatDoesNotHoldIsRefused) {
  const std::string uri = UriFor("acme");
  std::optional<StreamRequest> opened;
  EXPECT_EQ(Open("/ofrep/v1/events", {}, opened), 401);
  EXPECT_EQ(Open("/ofrep/v1/events?token=", {}, opened), 401);
  EXPECT_EQ(Open(uri + "A", {}, opened), 401);
  EXPECT_EQ(Open("/ofrep/v1/events?token=" + std::string(4000, 'A'), {}, opened), 401);
  EXPECT_EQ(Open(uri + "&lastEventId=7", {}, opened), 200) << "polyfills add to the URL";
  const Reply reply = harness.Send("GET", uri + "A");
  EXPECT_THAT(reply.body, Not(HasSubstr("token=")));
  EXPECT_THAT(reply.body, HasSubstr("errorDetails"));
  harness.clock.Advance(std::chrono::hours(19));
  EXPECT_EQ(Open(uri, {}, opened), 401);
  EXPECT_FALSE(opened);
}

// A client that keeps its answer (304) must not keep a URL that has ended.
TEST_F(Streams, TheEntityTagChangesBeforeTheUrlEnds) {
  const std::string body = R"({"context":{}})";
  const Reply first = harness.Send("POST", "/ofrep/v1/evaluate/flags", body);
  const std::string uri = first.At({"eventStreams", "0", "endpoint", "requestUri"});
  bool renewed = false;
  std::optional<StreamRequest> opened;
  for (int i = 0; i < 19 * 4; ++i) {
    const Reply reply =
        harness.Send("POST", "/ofrep/v1/evaluate/flags", body, {{"If-None-Match", first.Header("ETag")}});
    renewed = renewed || reply.status == 200;
    if (!renewed) ASSERT_EQ(Open(uri, {}, opened), 200) << i;
    opened.reset();
    harness.clock.Advance(std::chrono::minutes(15));
  }
  EXPECT_TRUE(renewed);
  EXPECT_EQ(Open(uri, {}, opened), 401);
}

// Two nodes on one table behind a balancer: told by one, the client asks the other.
TEST_F(Streams, ANodeCatchesUpWithWhatAnotherHasAnnounced) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  ASSERT_TRUE(harness.app->Refresh().has_value());
  const auto other = Node();
  const std::string path = "/ofrep/v1/evaluate/flags?flagConfigEtag=%22";
  const std::string body = R"({"context":{"tenantId":"acme"}})";
  const Reply before = harness.Send("POST", "/ofrep/v1/evaluate/flags", body);
  ASSERT_TRUE(other->kill_switches()
                  .Engage(harness.Administrator(), *model::Environment::Parse("development"),
                          *model::KillScope::Parse("flag:f"), "r")
                  .has_value());
  const std::string id = other->stream_tokens().EventId("e/development/acme", 2);
  const auto value = [](const Reply& reply) { return reply.At({"flags", "0", "value"}); };
  EXPECT_EQ(value(harness.Send("POST", "/ofrep/v1/evaluate/flags", body)), "true") << "it has not heard of it yet";
  const Reply after = harness.Send("POST", path + id + "%22", body, {{"If-None-Match", before.Header("ETag")}});
  EXPECT_EQ(after.status, 200);
  EXPECT_EQ(value(after), "false");
  // What nobody announced, or for another tenant, moves nothing.
  ASSERT_TRUE(other->kill_switches()
                  .Release(harness.Administrator(), *model::Environment::Parse("development"),
                           *model::KillScope::Parse("flag:f"), "")
                  .has_value());
  const std::string foreign = other->stream_tokens().EventId("e/development/globex", 3);
  for (const std::string& tag : {foreign, std::string("nonsense"), std::string()})
    EXPECT_EQ(value(harness.Send("POST", path + tag + "%22", body)), "false") << tag;
  EXPECT_EQ(value(harness.Send("POST", path + other->stream_tokens().EventId("e/development/acme", 3) + "%22", body)),
            "true");
}

// What was announced and is lost (a table restored to before) must not keep anybody waiting.
TEST_F(Streams, AnAnnouncementThatLeadsNowhereIsAnsweredFromWhatIsThere) {
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  const std::string id = harness.app->stream_tokens().EventId("e/development/", 99);
  const Reply reply = harness.Send("POST", "/ofrep/v1/evaluate/flags?flagConfigEtag=%22" + id + "%22", "{}");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.At({"flags", "0", "value"}), "true");
}

TEST_F(KeyedStreams, AStreamEndsWithItsKey) {
  const std::string token = harness.MakeKey(model::KeyKind::kClient, "development");
  const std::string uri = UriFor("", Bearer(token));
  const auto peer = Connect(uri);
  hub->Tick();
  EXPECT_FALSE(peer->closed);
  ASSERT_TRUE(
      harness.app->keys().Revoke(harness.Administrator(), *model::KeyId::Parse(harness.KeyIdOf(token))).has_value());
  hub->Tick();
  EXPECT_TRUE(peer->closed);
  EXPECT_EQ(harness.io->counters.streams_revoked.value(), 1U);
  std::optional<StreamRequest> opened;
  EXPECT_EQ(Open(uri, {}, opened), 401);
}

TEST_F(KeyedStreams, AUrlOfTheLocalProfileIsNoneElsewhere) {
  const std::string token = harness.app->stream_tokens().Issue(
      {.environment = "development", .expires_at = harness.clock.Now() + std::chrono::hours(1)});
  std::optional<StreamRequest> opened;
  EXPECT_EQ(Open("/ofrep/v1/events?token=" + token, {}, opened), 401);
}

TEST_F(KeyedStreams, AManagementStreamTellsWhatChanged) {
  const auto peer = Connect(kEnvironment + "/events", Bearer(harness.credential));
  const std::string hello = peer->Take();
  EXPECT_EQ(FieldOf(hello, "event"), "node");
  EXPECT_EQ(FieldOf(hello, "data"),
            R"({"environment":"development","node":")" + harness.app->node() + R"(","sequence":0,"state":"serving"})");
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  const std::string made = peer->Take();
  EXPECT_EQ(FieldOf(made, "event"), "change");
  const std::string data = FieldOf(made, "data");
  EXPECT_THAT(data, HasSubstr(R"({"action":"flag.create","at":"2026-11-22T04:23:00.123Z","entity":"flag",)"
                              R"("environment":"development","kind":"put","requestId":")"));
  EXPECT_THAT(data, HasSubstr(R"("resource":"f","sequence":1,"version":1})"));
  Engage("global");
  Patch("f", R"({"defaultEnabled":false})");
  Pump();
  const std::string both = peer->Take();
  EXPECT_THAT(both, HasSubstr(R"("action":"kill.engage")"));
  EXPECT_THAT(both, HasSubstr(R"("sequence":3)"));
  // Going on after the first of them.
  const auto back = Connect(kEnvironment + "/events", {{"Authorization", "Bearer " + harness.credential},
                                                       {"Last-Event-ID", FieldOf(made, "id")}});
  const std::string rest = back->Take();
  EXPECT_TRUE(rest.ends_with(both)) << rest;
  EXPECT_THAT(rest, Not(HasSubstr("flag.create")));
  EXPECT_THAT(rest, Not(HasSubstr("resync")));
  const auto lost = Connect(kEnvironment + "/events",
                            {{"Authorization", "Bearer " + harness.credential}, {"Last-Event-ID", "unreadable"}});
  EXPECT_THAT(lost->Take(), HasSubstr("event: resync"));
}

TEST_F(KeyedStreams, ATenantsAdministratorHearsOfItsOwn) {
  harness.MakeFlag(R"({"flagKey":"shared","owner":"o","defaultEnabled":true})");
  Pump();
  const auto peer =
      Connect(kEnvironment + "/events", Bearer(harness.MakeKey(model::KeyKind::kAdmin, std::nullopt, "acme")));
  EXPECT_THAT(peer->Take(), Not(HasSubstr("sequence")));
  Patch("shared", R"({"defaultEnabled":false})");
  harness.MakeFlag(R"({"flagKey":"globexs","owner":"o","tenantId":"globex","defaultEnabled":true})");
  ASSERT_EQ(harness.Send("POST", kEnvironment + "/segments", R"({"segmentKey":"s"})").status, 201);
  Engage("global");
  Pump();
  EXPECT_EQ(peer->Take(), "");
  const std::string overrides =
      R"({"overrides":[{"tenantId":"acme","enabled":true},{"tenantId":"globex","enabled":true}]})";
  ASSERT_EQ(harness.Send("PUT", kEnvironment + "/flags/shared/overrides", overrides).status, 200);
  harness.MakeFlag(R"({"flagKey":"acmes","owner":"o","tenantId":"acme","defaultEnabled":true})");
  Pump();
  const std::string text = peer->Take();
  EXPECT_THAT(text, HasSubstr(R"("resource":"acmes")"));
  EXPECT_THAT(text, HasSubstr(R"("tenants":["acme"])"));
  EXPECT_THAT(text, Not(HasSubstr("globex")));
  EXPECT_THAT(text, Not(HasSubstr("sequence")));
}

TEST_F(KeyedStreams, AManagementStreamThatIsTooFarBehindBeginsAnew) {
  const auto slow = Connect(kEnvironment + "/events", Bearer(harness.credential));
  slow->Take();
  slow->room = 5;
  harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
  Pump();
  for (std::size_t i = 0; i <= app::kFeedEntriesMax; ++i)
    Patch("f", i % 2 == 0 ? R"({"defaultEnabled":false})" : R"({"defaultEnabled":true})");
  Pump();
  slow->room = 10'000'000;
  hub->Writable(*slow->waiting);
  const std::string text = slow->Take();
  EXPECT_THAT(text, HasSubstr("flag.create")) << "what was under way is finished";
  EXPECT_THAT(text, HasSubstr("event: resync"));
  EXPECT_TRUE(text.size() < 10'000) << text.size();
}

// Receipts: who has a change, as streams and requests show it.
class Receipts : public Streams {
 protected:
  explicit Receipts(bool local_profile = true) : Streams(local_profile) {
    if (!local_profile) harness.credential = harness.MakeKey(model::KeyKind::kAdmin);
    harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
    Pump();
  }

  // The number of the change.
  std::string EngageNow(const std::string& scope) {
    const Reply reply = harness.Send("PUT", kEnvironment + "/kill-switches/" + scope, R"({"reason":"r"})");
    EXPECT_EQ(reply.status, 200) << reply.body;
    Pump();
    return reply.Header("Guidon-Sequence");
  }
  // What a client does that was told.
  void AskAgain(const std::string& event, std::string_view tenant, const Headers& headers = {}) {
    const std::string context = tenant.empty() ? "{}" : R"({"tenantId":")" + std::string(tenant) + R"("})";
    const Reply reply =
        harness.Send("POST", "/ofrep/v1/evaluate/flags?flagConfigEtag=%22" + FieldOf(event, "id") + "%22",
                     R"({"context":)" + context + "}", headers);
    EXPECT_EQ(reply.status, 200) << reply.body;
  }
  Reply Propagation(const std::string& sequence, const Headers& headers = {}) {
    return harness.Send("GET", kEnvironment + "/propagation/" + sequence, "", headers);
  }
  void ExpectClients(const std::string& sequence, const std::string& connected, const std::string& converged) {
    const Reply reply = Propagation(sequence);
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.At({"clients", "connected"}), connected) << reply.body;
    EXPECT_EQ(reply.At({"clients", "converged"}), converged) << reply.body;
    EXPECT_EQ(reply.At({"complete"}), connected == converged ? "true" : "false") << reply.body;
  }
};

class KeyedReceipts : public Receipts {
 protected:
  KeyedReceipts() : Receipts(false) {}
};

TEST_F(Receipts, AClientHasAChangeOnceItAskedAgain) {
  const auto one = ConnectFor("acme");
  const auto other = ConnectFor("");
  const std::string sequence = EngageNow("flag:f");
  ExpectClients(sequence, "2", "0");
  AskAgain(one->Take(), "acme");
  const Reply reply = Propagation(sequence);
  EXPECT_EQ(reply.At({"environment"}), "development");
  EXPECT_EQ(reply.At({"sequence"}), sequence);
  EXPECT_EQ(reply.At({"change", "action"}), "kill.engage");
  EXPECT_EQ(reply.At({"change", "resource"}), "flag:f");
  EXPECT_EQ(reply.At({"nodes", "0", "state"}), "serving");
  EXPECT_EQ(reply.At({"nodes", "0", "node"}), harness.app->node());
  EXPECT_EQ(reply.At({"nodes", "0", "clients", "waiting"}), "1");
  EXPECT_EQ(reply.At({"waiting", "0", "kind"}), "evaluation");
  EXPECT_EQ(reply.At({"waiting", "0", "address"}), "127.0.0.1");
  EXPECT_EQ(reply.At({"waiting", "0", "waiting"}), "1");
  EXPECT_EQ(reply.At({"waiting", "1", "waiting"}), "");
  EXPECT_NE(reply.At({"clients", "lastMs"}), "");
  // An evaluation that nobody was told to make says nothing.
  EXPECT_EQ(harness.Send("POST", "/ofrep/v1/evaluate/flags", R"({"context":{}})").status, 200);
  ExpectClients(sequence, "2", "1");
  AskAgain(other->Take(), "");
  ExpectClients(sequence, "2", "2");
  ExpectClients("latest", "2", "2");
  // With 304 as well: the client was told and has looked.
  const std::string next = EngageNow("tenant:acme");
  ExpectClients(next, "1", "0");
  const std::string event = one->Take();
  const std::string target = "/ofrep/v1/evaluate/flags?flagConfigEtag=%22" + FieldOf(event, "id") + "%22";
  const std::string tag =
      harness.Send("POST", "/ofrep/v1/evaluate/flags", R"({"context":{"tenantId":"acme"}})").Header("ETag");
  EXPECT_EQ(harness.Send("POST", target, R"({"context":{"tenantId":"acme"}})", {{"If-None-Match", tag}}).status, 304);
  ExpectClients(next, "1", "1");
}

TEST_F(Receipts, AStreamThatEndsIsNotWaitedFor) {
  const auto peer = ConnectFor("acme");
  const std::string sequence = EngageNow("flag:f");
  ExpectClients(sequence, "1", "0");
  hub->Ended(*peer->stream);
  ExpectClients(sequence, "0", "0");
}

TEST_F(Receipts, AManagementStreamHasWhatItWasSent) {
  const auto fast = Connect(kEnvironment + "/events");
  const auto slow = Connect(kEnvironment + "/events");
  slow->room = 3;
  const std::string sequence = EngageNow("flag:f");
  ExpectClients(sequence, "2", "1");
  EXPECT_EQ(Propagation(sequence).At({"waiting", "0", "kind"}), "management");
  slow->room = 100'000;
  hub->Writable(*slow->waiting);
  ExpectClients(sequence, "2", "2");
  // Where it has come is said once a second, where it has changed.
  fast->Take();
  hub->Tick();
  Pump();
  const std::string event = fast->Take();
  EXPECT_EQ(FieldOf(event, "event"), "propagation");
  EXPECT_THAT(FieldOf(event, "data"), HasSubstr(R"("connected":2,"converged":2,)"));
  EXPECT_THAT(FieldOf(event, "data"), HasSubstr(R"("complete":true,"environment":"development","node":")"));
  EXPECT_THAT(FieldOf(event, "data"), HasSubstr("\"sequence\":" + sequence));
  hub->Tick();
  Pump();
  EXPECT_EQ(fast->Take(), "");
}

TEST_F(Receipts, WhatCannotBeAskedIsRefused) {
  EXPECT_EQ(Propagation("999").status, 404);
  EXPECT_EQ(Propagation("x").status, 400);
  EXPECT_EQ(Propagation("-1").status, 400);
  EXPECT_EQ(Propagation("1?wait=31s").status, 400);
  EXPECT_EQ(Propagation("1?wait=5").status, 400);
  EXPECT_EQ(Propagation("1?wait=99999999999999999999s").status, 400);
  EXPECT_EQ(Propagation("1?wait=1s").status, 200);
  EXPECT_EQ(harness.Send("GET", "/api/v1/environments/nowhere/propagation/1").status, 404);
  EXPECT_EQ(harness.Send("GET", kEnvironment + "/propagation?limit=0").status, 400);
  EXPECT_EQ(harness.Send("GET", kEnvironment + "/propagation?limit=101").status, 400);
}

TEST_F(Receipts, TheLatestChangesAreListedNewestFirst) {
  const std::string first = EngageNow("flag:f");
  const std::string second = EngageNow("global");
  const Reply reply = harness.Send("GET", kEnvironment + "/propagation?limit=2");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.At({"items", "0", "sequence"}), second);
  EXPECT_EQ(reply.At({"items", "1", "sequence"}), first);
  EXPECT_EQ(reply.At({"items", "2", "sequence"}), "");
}

TEST_F(Receipts, WaitingEndsWithTheTimeOrTheServer) {
  const auto peer = ConnectFor("");
  const std::string sequence = EngageNow("flag:f");
  EXPECT_EQ(Propagation(sequence + "?wait=20ms").At({"complete"}), "false");
  harness.app->receipts().StopWaiting();
  EXPECT_EQ(Propagation(sequence + "?wait=30s").At({"complete"}), "false");
}

TEST_F(KeyedReceipts, WhoAcknowledgesIsWaitedForByName) {
  const Headers key = Bearer(harness.MakeKey(model::KeyKind::kServer, "development"));
  const auto acknowledge = [&](const std::string& client, const std::string& etag, const Headers& headers) {
    return harness.Send("POST", kEnvironment + "/acknowledgements",
                        R"({"client":")" + client + R"(","etag":")" + etag + R"("})", headers);
  };
  const auto peer = ConnectFor("", key);
  const std::string first = EngageNow("flag:f");
  const std::string id = FieldOf(peer->Take(), "id");
  EXPECT_EQ(acknowledge("checkout-7", id, key).status, 204);
  ExpectClients(first, "1", "1");
  const std::string second = EngageNow("global");
  ExpectClients(second, "1", "0");
  const Reply reply = Propagation(second);
  EXPECT_EQ(reply.At({"waiting", "0", "kind"}), "client");
  EXPECT_EQ(reply.At({"waiting", "0", "client"}), "checkout-7");
  // An entity tag as it is written in a header.
  EXPECT_EQ(acknowledge("checkout-7", R"(\")" + FieldOf(peer->Take(), "id") + R"(\")", key).status, 204);
  ExpectClients(second, "1", "1");

  EXPECT_EQ(acknowledge("", id, key).status, 400);
  EXPECT_EQ(acknowledge("a b", id, key).status, 400);
  EXPECT_EQ(acknowledge(std::string(65, 'a'), id, key).status, 400);
  EXPECT_EQ(acknowledge("c", "made-up", key).status, 400);
  EXPECT_EQ(harness.Send("POST", kEnvironment + "/acknowledgements", R"({"client":"c"})", key).status, 400);
  // Users of a browser's key could make an operator wait for nobody.
  const Headers browser = Bearer(harness.MakeKey(model::KeyKind::kClient, "development"));
  EXPECT_EQ(acknowledge("c", id, browser).status, 403);
  // Of another tenant's scope the id means nothing.
  const Headers acme = Bearer(harness.MakeKey(model::KeyKind::kServer, "development", "acme"));
  EXPECT_EQ(acknowledge("c", id, acme).status, 400);
}

TEST_F(KeyedReceipts, ATenantsAdministratorHearsOfItsOwn) {
  ASSERT_EQ(harness.Send("POST", "/api/v1/tenants", R"({"tenantId":"acme"})").status, 201);
  ASSERT_EQ(harness.Send("POST", "/api/v1/tenants", R"({"tenantId":"globex"})").status, 201);
  const Headers acme = Bearer(harness.MakeKey(model::KeyKind::kAdmin, "development", "acme"));
  const Headers globex = Bearer(harness.MakeKey(model::KeyKind::kAdmin, "development", "globex"));
  const auto own = ConnectFor("acme");
  const auto other = ConnectFor("globex");
  const auto operators = Connect(kEnvironment + "/events", Bearer(harness.credential));
  operators->room = 0;
  const std::string shared = EngageNow("flag:f");
  const std::string of_acme = EngageNow("tenant:acme");
  const Reply reply = Propagation(of_acme, acme);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.At({"clients", "connected"}), "1");
  EXPECT_EQ(reply.At({"waiting", "0", "tenantId"}), "acme");
  EXPECT_EQ(reply.At({"waiting", "1", "kind"}), "");
  EXPECT_EQ(reply.At({"nodes", "0", "sequence"}), "");
  EXPECT_EQ(Propagation("latest", acme).At({"sequence"}), of_acme);
  // What is another's, everybody's, or not there is the same.
  const std::string missing = Propagation("999999", acme).Masked();
  EXPECT_EQ(Propagation(shared, acme).Masked(), missing);
  EXPECT_EQ(Propagation(of_acme, globex).Masked(), missing);
  EXPECT_EQ(Propagation("latest", globex).Masked(), missing);
  EXPECT_EQ(harness.Send("GET", kEnvironment + "/propagation", "", globex).body, R"({"items":[]})");
}

}  // namespace
}  // namespace guidon::api_test
