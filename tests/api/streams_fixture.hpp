// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "guidon/api_http/stream_hub.hpp"
#include "harness.hpp"

// Event streams without sockets.
namespace guidon::api_test {

inline const std::string kEnvironment = "/api/v1/environments/development";

// One client's side of a stream.
class Peer final : public api_http::StreamPeer {
 public:
  std::optional<std::size_t> Send(std::string_view bytes) override {
    if (gone) return std::nullopt;
    const std::size_t size = std::min(room, bytes.size());
    received += bytes.substr(0, size);
    room -= size;
    return size;
  }
  void AwaitRoom(api_http::Stream& of) override { waiting = &of; }
  void AwaitEnd(api_http::Stream& of) override { stream = &of; }
  void Close() override { closed = true; }

  // What came since the last call, without the hint when to come back.
  std::string Take() {
    std::string text = std::exchange(received, {});
    if (text.starts_with("retry: ")) text.erase(0, text.find("\n\n") + 2);
    return text;
  }

  std::string received;
  std::size_t room = 1'000'000;
  bool gone = false;
  bool closed = false;
  api_http::Stream* waiting = nullptr;
  api_http::Stream* stream = nullptr;
};

class Streams : public ::testing::Test {
 protected:
  explicit Streams(bool local_profile = true) : harness(local_profile) { NewHub(); }

  void NewHub() {
    hub = std::make_unique<api_http::StreamHub>(
        *harness.app, harness.io->counters, harness.io->ring(), harness.api->limits(),
        api_http::StreamScheduler{.pump_soon = [this] { ++pumps_asked; },
                                  .pump_after = [this](std::chrono::milliseconds delay) { pump_after = delay; }});
  }
  // Lets the hub do all it wants to do now.
  void Pump() {
    do {
      pumps_asked = 0;
      hub->Pump(now);
    } while (pumps_asked > 0);
  }
  void Later(std::chrono::milliseconds step) { now += step; }

  // Drives a request through a session; the stream that it opens, or the status.
  int Open(std::string_view target, const Headers& headers, std::optional<api_http::StreamRequest>& opened) {
    return OpenWith(RequestText("GET", target, "", headers), opened);
  }
  int OpenWith(std::string_view request, std::optional<api_http::StreamRequest>& opened) {
    api_http::Session session(*harness.api, *harness.io, "127.0.0.1");
    const std::string answer = Harness::Drive(session, request);
    opened = session.TakeStream();
    return ParseReplies(answer.substr(0, answer.find("\r\n\r\n") + 4), true).at(0).status;
  }
  std::shared_ptr<Peer> Connect(std::string_view target, const Headers& headers = {}) {
    std::optional<api_http::StreamRequest> opened;
    EXPECT_EQ(Open(target, headers, opened), 200) << target;
    auto peer = std::make_shared<Peer>();
    if (opened) hub->Adopt(peer, std::move(*opened), now);
    return peer;
  }
  // Path and query of the stream that a bulk evaluation names.
  std::string UriFor(std::string_view tenant, const Headers& headers = {}) {
    const std::string context = tenant.empty() ? "{}" : R"({"tenantId":")" + std::string(tenant) + R"("})";
    const Reply reply = harness.Send("POST", "/ofrep/v1/evaluate/flags", R"({"context":)" + context + "}", headers);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.At({"eventStreams", "0", "endpoint", "requestUri"});
  }
  std::shared_ptr<Peer> ConnectFor(std::string_view tenant, const Headers& headers = {}) {
    auto peer = Connect(UriFor(tenant, headers));
    EXPECT_EQ(peer->Take(), "");
    return peer;
  }
  // Another node on the same table.
  std::unique_ptr<app::Application> Node() {
    return *app::Application::Open(harness.table, harness.clock, harness.app->options());
  }
  void Patch(std::string_view flag, std::string_view patch) {
    ASSERT_EQ(harness.Send("PATCH", kEnvironment + "/flags/" + std::string(flag), patch, {{"If-Match", "*"}}).status,
              200);
  }
  void Engage(const std::string& scope) {
    ASSERT_EQ(harness.Send("PUT", kEnvironment + "/kill-switches/" + scope, R"({"reason":"r"})").status, 200);
  }
  std::uint64_t Made() const { return harness.io->counters.stream_events_made.value(); }

  Harness harness;
  api_http::StreamHub::Clock::time_point now = api_http::StreamHub::Clock::now();
  int pumps_asked = 0;
  std::chrono::milliseconds pump_after{0};
  std::unique_ptr<api_http::StreamHub> hub;
};

class KeyedStreams : public Streams {
 protected:
  KeyedStreams() : Streams(false) { harness.credential = harness.MakeKey(model::KeyKind::kAdmin); }
};

}  // namespace guidon::api_test
