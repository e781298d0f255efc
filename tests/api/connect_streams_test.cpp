// SPDX-License-Identifier: Apache-2.0
// flagd's event stream by the Connect protocol: what is sent to whom, how it ends, and when its client has a change.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/api_http/connect_wire.hpp"
#include "harness.hpp"
#include "streams_fixture.hpp"

namespace guidon::api_test {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kEmptyMessage("\0\0\0\0\2{}", 7);
const std::string kReady = R"({"type":"provider_ready"})";
const std::string kKeepAlive = R"({"type":"keep_alive"})";

std::string Changed(const std::string& flags) {
  return R"({"type":"configuration_change","data":{"flags":{)" + flags + "}}}";
}
std::string Update(const std::string& key) { return "\"" + key + R"(":{"type":"update"})"; }

// The messages of whole envelopes; the last one of a stream begins with "end ".
std::vector<std::string> Messages(std::string_view bytes) {
  std::vector<std::string> messages;
  while (bytes.size() >= 5) {
    std::size_t size = 0;
    for (std::size_t i = 1; i < 5; ++i) size = size << 8U | static_cast<unsigned char>(bytes[i]);
    EXPECT_LE(size + 5, bytes.size());
    messages.push_back((bytes[0] == 2 ? "end " : "") + std::string(bytes.substr(5, size)));
    bytes.remove_prefix(std::min(bytes.size(), size + 5));
  }
  EXPECT_TRUE(bytes.empty());
  return messages;
}

class ConnectStreams : public Streams {
 protected:
  explicit ConnectStreams(bool local_profile = true) : Streams(local_profile) {
    if (!local_profile) harness.credential = harness.MakeKey(model::KeyKind::kAdmin);
    harness.MakeFlag(R"({"flagKey":"f","owner":"o","defaultEnabled":true})");
    harness.MakeFlag(R"({"flagKey":"public","owner":"o","defaultEnabled":true,"clientVisible":true})");
    harness.MakeFlag(R"({"flagKey":"acmes","owner":"o","defaultEnabled":true,"tenantId":"acme"})");
    Pump();
  }

  static std::string Request(Headers headers, std::string_view message) {
    headers.emplace_back("Content-Type", "application/connect+json");
    return RequestText("POST", "/flagd.evaluation.v1.Service/EventStream", message, headers);
  }
  std::shared_ptr<Peer> Listen(const Headers& headers = {}) {
    std::optional<api_http::StreamRequest> opened;
    EXPECT_EQ(OpenWith(Request(headers, kEmptyMessage), opened), 200);
    auto peer = std::make_shared<Peer>();
    EXPECT_TRUE(opened.has_value());
    if (opened) hub->Adopt(peer, std::move(*opened), now);
    EXPECT_THAT(Messages(peer->Take()), ElementsAre(kReady));
    return peer;
  }
  std::string Refusal(const Headers& headers, std::string_view message) {
    const auto messages = Messages(ParseReplies(harness.Talk(Request(headers, message))).at(0).body);
    return messages.size() == 1 ? messages[0] : "";
  }
  // Of a flag that client keys do not see.
  void Override(bool enabled) {
    ASSERT_EQ(harness
                  .Send("PUT", kEnvironment + "/flags/f/overrides/acme",
                        enabled ? R"({"enabled":true})" : R"({"enabled":false})")
                  .status,
              200);
  }
  void PumpLater() {
    Later(milliseconds(200));
    Pump();
  }
};

class KeyedConnectStreams : public ConnectStreams {
 protected:
  KeyedConnectStreams() : ConnectStreams(false) {}
};

Headers Bearer(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

TEST_F(ConnectStreams, AChangeNamesItsFlagAndIsWrittenDownOnce) {
  std::vector<std::shared_ptr<Peer>> peers;
  for (int i = 0; i < 300; ++i) peers.push_back(Listen());
  const std::uint64_t before = Made();
  Patch("f", R"({"defaultEnabled":false})");
  Pump();
  for (const auto& peer : peers) EXPECT_THAT(Messages(peer->Take()), ElementsAre(Changed(Update("f"))));
  EXPECT_EQ(Made(), before + 1);
}

TEST_F(ConnectStreams, ABurstIsOneEventAndAKillSwitchDoesNotWait) {
  const auto peer = Listen();
  Patch("f", R"({"defaultEnabled":false})");
  Pump();
  EXPECT_THAT(Messages(peer->Take()), ElementsAre(Changed(Update("f"))));
  Patch("public", R"({"defaultEnabled":false})");
  Patch("f", R"({"defaultEnabled":true})");
  Pump();
  EXPECT_THAT(peer->Take(), IsEmpty());
  EXPECT_GT(pump_after.count(), 0);
  PumpLater();
  EXPECT_THAT(Messages(peer->Take()), ElementsAre(Changed(Update("f") + "," + Update("public"))));
  Engage("flag:f");
  Pump();
  EXPECT_THAT(Messages(peer->Take()), ElementsAre(Changed(Update("f"))));
}

TEST_F(ConnectStreams, ASlowClientGetsEveryFlagInOneEventAndNoQueue) {
  const auto slow = Listen();
  const auto fast = Listen();
  slow->room = 3;
  Patch("f", R"({"defaultEnabled":false})");
  Pump();
  Later(milliseconds(200));
  Patch("public", R"({"defaultEnabled":false})");
  PumpLater();
  harness.MakeFlag(R"({"flagKey":"new","owner":"o","defaultEnabled":true})");
  PumpLater();
  EXPECT_EQ(Messages(fast->Take()).size(), 3U);
  ASSERT_NE(slow->waiting, nullptr);
  slow->room = 1'000'000;
  hub->Writable(*slow->waiting);
  EXPECT_THAT(Messages(slow->Take()),
              ElementsAre(Changed(Update("f")), Changed(Update("new") + "," + Update("public"))));
}

TEST_F(KeyedConnectStreams, ATenantHearsNothingOfAnotherAndAClientsKeyOnlyOfWhatIsMarked) {
  const auto acme =
      Listen({{"Flagd-Selector", "flagSetId=development/acme"}, {"Authorization", "Bearer " + harness.credential}});
  const auto globex = Listen(Bearer(harness.MakeKey(model::KeyKind::kServer, "development", "globex")));
  const auto client = Listen(Bearer(harness.MakeKey(model::KeyKind::kClient, "development")));
  const auto staging = Listen(Bearer(harness.MakeKey(model::KeyKind::kServer, "staging")));
  Patch("acmes", R"({"defaultEnabled":false})");
  PumpLater();
  EXPECT_THAT(Messages(acme->Take()), ElementsAre(Changed(Update("acmes"))));
  for (const auto& peer : {globex, staging}) EXPECT_THAT(peer->Take(), IsEmpty());
  // A key of no tenant may evaluate as any. It may have seen the flag before, so it asks again, without the name.
  EXPECT_THAT(Messages(client->Take()), ElementsAre(Changed("")));
  Override(false);
  PumpLater();
  EXPECT_THAT(Messages(acme->Take()), ElementsAre(Changed(Update("f"))));
  for (const auto& peer : {globex, client, staging}) EXPECT_THAT(peer->Take(), IsEmpty());
  Engage("tenant:acme");
  PumpLater();
  EXPECT_THAT(Messages(acme->Take()),
              ElementsAre(Changed(Update("acmes") + "," + Update("f") + "," + Update("public"))));
  EXPECT_THAT(globex->Take(), IsEmpty());
  EXPECT_THAT(Messages(client->Take()), ElementsAre(Changed(Update("public"))));
  // What concerns everybody does not tell a tenant what others have.
  Engage("global");
  PumpLater();
  EXPECT_THAT(Messages(globex->Take()), ElementsAre(Changed(Update("f") + "," + Update("public"))));
  Engage("flag:f");
  PumpLater();
  EXPECT_THAT(Messages(globex->Take()).size(), 1U);
  EXPECT_THAT(Messages(client->Take()), ElementsAre(Changed(Update("public"))));
  EXPECT_THAT(staging->Take(), IsEmpty());
}

TEST_F(KeyedConnectStreams, RefusalsAreTheStreamsLastMessage) {
  const auto key = Bearer(harness.credential);
  EXPECT_THAT(Refusal({}, kEmptyMessage), HasSubstr(R"(end {"error":{"code":"unauthenticated")"));
  Headers selected = Bearer(harness.MakeKey(model::KeyKind::kServer, "development", "globex"));
  selected.emplace_back("Flagd-Selector", "flagSetId=development/acme");
  EXPECT_THAT(Refusal(selected, kEmptyMessage), HasSubstr(R"(end {"error":{"code":"permission_denied")"));
  EXPECT_THAT(Refusal(key, "{}"), HasSubstr(R"(end {"error":{"code":"invalid_argument")"));
  std::string compressed = kEmptyMessage;
  compressed[0] = 1;
  EXPECT_THAT(Refusal(key, compressed), HasSubstr(R"(end {"error":{"code":"unimplemented")"));
  EXPECT_THAT(Refusal(key, std::string(2000, 'x')), HasSubstr(R"(end {"error":{"code":"resource_exhausted")"));
  Headers timed = key;
  timed.emplace_back("Connect-Timeout-Ms", "soon");
  EXPECT_THAT(Refusal(timed, kEmptyMessage), HasSubstr("Connect-Timeout-Ms"));
  Headers json = key;
  json.emplace_back("Content-Type", "application/json");
  const Reply other =
      ParseReplies(harness.Talk(RequestText("POST", "/flagd.evaluation.v1.Service/EventStream", "{}", json))).at(0);
  EXPECT_EQ(other.status, 415);
  EXPECT_EQ(other.Code(), "unimplemented");
}

TEST_F(KeyedConnectStreams, AStreamSaysThatItLivesAndWhyItEnds) {
  const std::string token = harness.MakeKey(model::KeyKind::kServer, "development");
  const auto revoked = Listen(Bearer(token));
  Headers timed = Bearer(harness.credential);
  timed.emplace_back("Connect-Timeout-Ms", "2000");
  const auto impatient = Listen(timed);
  const auto patient = Listen(Bearer(harness.credential));
  for (int i = 0; i < 3; ++i) hub->Tick();
  std::vector<std::string> said = Messages(impatient->Take());
  EXPECT_THAT(said.back(), HasSubstr(R"(end {"error":{"code":"deadline_exceeded")"));
  EXPECT_TRUE(impatient->closed);
  for (int i = 0; i < 20; ++i) hub->Tick();
  said = Messages(patient->Take());
  EXPECT_THAT(said, ::testing::Contains(kKeepAlive));
  EXPECT_LE(said.size(), 2U);
  revoked->Take();
  ASSERT_TRUE(
      harness.app->keys().Revoke(harness.Administrator(), *model::KeyId::Parse(harness.KeyIdOf(token))).has_value());
  hub->Tick();
  EXPECT_THAT(Messages(revoked->Take()), ElementsAre(HasSubstr(R"(end {"error":{"code":"unauthenticated")")));
  EXPECT_TRUE(revoked->closed);
  patient->Take();
  hub->Drain();
  EXPECT_THAT(Messages(patient->Take()), ElementsAre(HasSubstr(R"(end {"error":{"code":"unavailable")")));
  EXPECT_TRUE(patient->closed);
  EXPECT_EQ(hub->size(), 0U);
}

TEST_F(KeyedConnectStreams, AClientHasAChangeOnceItAskedForAllOrThereIsNothingToAskFor) {
  const Headers server = Bearer(harness.MakeKey(model::KeyKind::kServer, "development"));
  const Headers client = Bearer(harness.MakeKey(model::KeyKind::kClient, "development"));
  const auto one = Listen(server);
  const auto other = Listen(client);
  Override(false);
  Pump();
  const auto progress = [&] {
    const auto sequence = *harness.app->receipts().Served("development");
    return *harness.app->receipts().ProgressOf("development", sequence, "", 10);
  };
  // The client's key does not see the flag, so it has what there is.
  EXPECT_EQ(progress().connected, 2U);
  EXPECT_EQ(progress().converged, 1U);
  ASSERT_EQ(progress().waiting.size(), 1U);
  EXPECT_EQ(progress().waiting[0].kind, app::ClientKind::kFlagd);
  ASSERT_EQ(harness.Send("POST", "/flagd.evaluation.v1.Service/ResolveAll", "{}", server).status, 200);
  EXPECT_EQ(progress().converged, 2U);
}

TEST_F(KeyedConnectStreams, WhatAClientCannotSeeItHasOnceItHasWhatCameBefore) {
  const Headers client = Bearer(harness.MakeKey(model::KeyKind::kClient, "development"));
  const auto behind = [&] { return harness.app->receipts().Behind("development"); };
  const auto ask = [&] {
    EXPECT_EQ(harness.Send("POST", "/flagd.evaluation.v1.Service/ResolveAll", "{}", client).status, 200);
  };
  const auto peer = Listen(client);
  Patch("public", R"({"defaultEnabled":false})");
  PumpLater();
  EXPECT_THAT(Messages(peer->Take()), ElementsAre(Changed(Update("public"))));
  Override(false);  // nothing for this client, but it has not asked again yet
  PumpLater();
  EXPECT_THAT(peer->Take(), IsEmpty());
  EXPECT_EQ(behind(), 1U);
  ask();
  EXPECT_EQ(behind(), 0U);
  Override(true);
  PumpLater();
  EXPECT_EQ(behind(), 0U);
  // It asks while a change is held back, and more of them come.
  Override(false);
  Pump();
  EXPECT_EQ(behind(), 1U);
  ask();
  Override(true);
  PumpLater();
  EXPECT_THAT(peer->Take(), IsEmpty());
  EXPECT_EQ(behind(), 0U);
}

TEST_F(KeyedConnectStreams, AClientLearnsThatAFlagIsNoLongerForItOrGone) {
  const auto peer = Listen(Bearer(harness.MakeKey(model::KeyKind::kClient, "development")));
  Patch("public", R"({"clientVisible":false})");
  PumpLater();
  EXPECT_THAT(Messages(peer->Take()), ElementsAre(Changed("")));
  ASSERT_EQ(harness.Send("DELETE", kEnvironment + "/flags/public", "", {{"If-Match", "*"}}).status, 204);
  PumpLater();
  EXPECT_THAT(Messages(peer->Take()), ElementsAre(Changed("")));
}

}  // namespace
}  // namespace guidon::api_test
