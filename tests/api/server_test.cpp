// SPDX-License-Identifier: Apache-2.0
// The server over real sockets on the loopback address.
#include "guidon/api_http/server.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.hpp"

namespace guidon::api_test {
namespace {

using api_http::Server;
using api_http::ServerOptions;

// A plain client. Gives up after ten seconds, so that a server that hangs fails the test.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(socket_); }

  bool connected() const { return connected_; }
  void Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // All until the server closes; `closed` false where it did not within the time limit.
  std::string ReadToEnd(bool* closed = nullptr) {
    std::string out = std::move(left_);
    left_.clear();
    for (;;) {
      char piece[4096];
      const ssize_t size = ::recv(socket_, piece, sizeof piece, 0);
      if (closed != nullptr) *closed = size == 0;
      if (size <= 0) return out;
      out.append(piece, static_cast<std::size_t>(size));
    }
  }
  // What comes next; empty at the end.
  std::string ReadSome() {
    char piece[4096];
    const ssize_t size = ::recv(socket_, piece, sizeof piece, 0);
    return size <= 0 ? std::string() : std::string(piece, static_cast<std::size_t>(size));
  }
  // The next answer.
  Reply ReadOne() {
    for (;;) {
      const std::size_t head = left_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const std::size_t at = left_.find("Content-Length:");
        std::size_t length = 0;
        if (at < head) length = std::strtoul(left_.c_str() + at + 15, nullptr, 10);
        if (left_.size() >= head + 4 + length) {
          const auto replies = ParseReplies(std::string_view(left_).substr(0, head + 4 + length));
          left_.erase(0, head + 4 + length);
          return replies.empty() ? Reply{} : replies[0];
        }
      }
      char piece[4096];
      const ssize_t size = ::recv(socket_, piece, sizeof piece, 0);
      if (size <= 0) return {};
      left_.append(piece, static_cast<std::size_t>(size));
    }
  }
  Reply Ask(std::string_view request) {
    Send(request);
    return ReadOne();
  }

 private:
  int socket_;
  bool connected_ = false;
  std::string left_;
};

// A table whose reads wait, while it is closed, until they are let through.
class GatedTable final : public store::Table {
 public:
  explicit GatedTable(store::Table& inner) : inner_(inner) {}
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void Open() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = false;
    }
    changed_.notify_all();
  }
  void WaitForWaiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

  base::Result<store::GetResult> Get(const store::Key& key, store::Consistency c) override {
    Pass();
    return inner_.Get(key, c);
  }
  base::Result<store::WriteResult> PutItem(const store::Put& put) override { return inner_.PutItem(put); }
  base::Result<store::WriteResult> UpdateItem(const store::Update& update) override {
    return inner_.UpdateItem(update);
  }
  base::Result<store::WriteResult> DeleteItem(const store::Delete& del) override { return inner_.DeleteItem(del); }
  base::Result<store::QueryPage> RunQuery(const store::Query& query) override {
    Pass();
    return inner_.RunQuery(query);
  }
  base::Result<store::BatchGetResult> BatchGet(std::span<const store::Key> keys, store::Consistency c) override {
    Pass();
    return inner_.BatchGet(keys, c);
  }
  base::Result<store::BatchWriteResult> BatchWrite(std::span<const store::BatchWriteOperation> o) override {
    return inner_.BatchWrite(o);
  }
  base::Result<store::TransactionResult> Transact(std::span<const store::TransactionOperation> o,
                                                  std::string_view token) override {
    return inner_.Transact(o, token);
  }
  base::Status Ping() override { return inner_.Ping(); }

 private:
  void Pass() {
    std::unique_lock lock(mutex_);
    if (!closed_) return;
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !closed_; });
    --waiting_;
  }
  store::Table& inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  int waiting_ = 0;
};

const std::string kFlagPath = "/api/v1/environments/development/flags";
const std::string kHealth = RequestText("GET", "/healthz");

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() : memory(clock), gate(memory), table(gate) {
    app::ApplicationOptions options{.environments = {},
                                    .default_environment = "development",
                                    .key_hash_secret = std::string(32, 'k'),
                                    .compile = api_http::WireAnnotations()};
    options.environments.push_back(*model::Environment::Parse("development"));
    app = *app::Application::Open(table, clock, options);
  }
  void Start(ServerOptions options = {}) {
    options.port = 0;
    options.local_profile = true;
    if (options.io_threads == 0) options.io_threads = 2;
    options.limits.sweep_interval = std::chrono::milliseconds(50);
    auto started = Server::Start(*app, table, options);
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server = *std::move(started);
  }
  std::uint16_t port() const { return server->port(); }

  base::SystemClock clock;
  store_memory::MemoryTable memory;
  GatedTable gate;
  store::MeteredTable table;
  std::unique_ptr<app::Application> app;
  std::unique_ptr<Server> server;
};

TEST_F(ServerTest, ServesRequestsOnManyConnectionsAtOnce) {
  Start();
  Client setup(port());
  ASSERT_EQ(setup.Ask(RequestText("POST", kFlagPath, R"({"flagKey":"f","owner":"o","defaultEnabled":true})")).status,
            201);
  constexpr int kClients = 8;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int c = 0; c < kClients; ++c) {
    threads.emplace_back([&, c] {
      Client client(port());
      for (int i = 0; i < 50; ++i) {
        const Reply one =
            client.Ask(RequestText("POST", "/ofrep/v1/evaluate/flags/f", R"({"context":{"targetingKey":"u"}})"));
        if (one.status == 200 && one.body == R"({"key":"f","value":true,"variant":"on","reason":"STATIC"})") ++good;
        if (i % 10 == 0) {
          const std::string key = "g" + std::to_string(c) + "-" + std::to_string(i);
          if (client.Ask(RequestText("POST", kFlagPath, R"({"flagKey":")" + key + R"(","owner":"o"})")).status == 201)
            ++good;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good.load(), kClients * 55);
  // What one connection wrote, the next sees, whichever loop it is on.
  for (int i = 0; i < 4; ++i) {
    Client client(port());
    EXPECT_EQ(client.Ask(RequestText("POST", "/ofrep/v1/evaluate/flags/g7-40", "{}")).status, 200);
  }
  EXPECT_TRUE(server->Stop(std::chrono::seconds(5)));
}

TEST_F(ServerTest, PipelinedAndSplitRequestsAndPipeliningBehindStorageWork) {
  Start();
  Client client(port());
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += i % 7 == 0 ? RequestText("GET", "/api/v1/tenants") : kHealth;
  for (std::size_t at = 0; at < bytes.size(); at += 37) client.Send(std::string_view(bytes).substr(at, 37));
  for (int i = 0; i < 100; ++i) {
    const Reply reply = client.ReadOne();
    ASSERT_EQ(reply.status, 200) << i;
    EXPECT_EQ(reply.body == R"({"items":[]})", i % 7 == 0) << i;
  }
}

TEST_F(ServerTest, BadInputIsAnsweredAndTheServerGoesOn) {
  Start();
  const std::vector<std::pair<std::string, int>> bad = {
      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
       400},
      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", 400},
      {"nonsense\r\n\r\n", 400},
      {"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n", 414},
      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n", 431},
      {"POST " + kFlagPath +
           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n" +
           std::string(300'000, ' '),
       413}};
  for (const auto& [bytes, status] : bad) {
    Client client(port());
    client.Send(bytes);
    bool closed = false;
    const auto replies = ParseReplies(client.ReadToEnd(&closed));
    ASSERT_EQ(replies.size(), 1U) << bytes.substr(0, 80);
    EXPECT_EQ(replies[0].status, status) << bytes.substr(0, 80);
    EXPECT_TRUE(closed);
  }
  {
    Client truncated(port());
    truncated.Send("POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{");
  }
  Client client(port());
  EXPECT_EQ(client.Ask(kHealth).status, 200);
}

TEST_F(ServerTest, SlowClientsAreEnded) {
  ServerOptions options;
  options.limits.request_timeout = std::chrono::seconds(1);
  options.limits.idle_timeout = std::chrono::seconds(1);
  Start(options);
  Client head(port());
  head.Send("GET /healthz HTTP/1.1\r\nHost: loc");
  Client body(port());
  body.Send(
      "POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "10\r\n\r\n{");
  Client idle(port());
  Client drips(port());
  std::atomic<bool> stop{false};
  std::thread dripping([&] {  // bytes that keep coming do not buy time
    Client& client = drips;
    client.Send("GET /healthz HTTP/1.1\r\n");
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    for (int i = 0; i < 200 && !stop; ++i) {
      client.Send("X: y\r\n");
      never.wait_for(lock, std::chrono::milliseconds(30));
    }
  });
  bool closed = false;
  auto replies = ParseReplies(head.ReadToEnd(&closed));
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].status, 408);
  EXPECT_TRUE(closed);
  replies = ParseReplies(body.ReadToEnd(&closed));
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].status, 408);
  EXPECT_EQ(idle.ReadToEnd(&closed), "");
  EXPECT_TRUE(closed);
  EXPECT_EQ(drips.ReadOne().status, 408);
  stop = true;
  dripping.join();
}

TEST_F(ServerTest, AClientThatDoesNotReadIsEnded) {
  ServerOptions options;
  options.limits.write_timeout = std::chrono::seconds(1);
  Start(options);
  Client greedy(port());
  std::string bytes;
  for (int i = 0; i < 400; ++i) bytes += RequestText("GET", "/openapi.json");
  std::thread sender([&] { greedy.Send(bytes); });  // answers of 33 MB, and nobody reads them
  Client watcher(port());
  bool ended = false;
  for (int i = 0; i < 200 && !ended; ++i) {
    const Reply metrics = watcher.Ask(RequestText("GET", "/metrics"));
    ended = metrics.body.find("guidon_http_timeouts_total 1") != std::string::npos;
    if (!ended) {
      std::mutex mutex;
      std::condition_variable never;
      std::unique_lock lock(mutex);
      never.wait_for(lock, std::chrono::milliseconds(50));
    }
  }
  EXPECT_TRUE(ended);
  sender.join();
}

TEST_F(ServerTest, ConnectionsAreLimited) {
  ServerOptions options;
  options.limits.connections_max = 2;
  Start(options);
  Client one(port());
  Client two(port());
  ASSERT_EQ(one.Ask(kHealth).status, 200);
  ASSERT_EQ(two.Ask(kHealth).status, 200);
  Client three(port());
  bool closed = false;
  EXPECT_EQ(ParseReplies(three.ReadToEnd(&closed)).at(0).status, 503);
  EXPECT_TRUE(closed);
}

TEST_F(ServerTest, StorageWorkDoesNotHoldUpEvaluationAndIsBounded) {
  ServerOptions options;
  options.worker_threads = 1;
  options.limits.worker_queue_max = 1;
  options.io_threads = 1;
  Start(options);
  const std::string read = RequestText("GET", kFlagPath + "/f");
  gate.Close();
  Client working(port());
  working.Send(read);
  gate.WaitForWaiting(1);
  Client queued(port());
  queued.Send(read);
  Client evaluating(port());
  EXPECT_EQ(evaluating.Ask(RequestText("POST", "/ofrep/v1/evaluate/flags", "{}")).status, 200);
  Client refused(port());
  const Reply reply = refused.Ask(read);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("Retry-After"), "1");
  gate.Open();
  EXPECT_EQ(working.ReadOne().status, 404);
  EXPECT_EQ(queued.ReadOne().status, 404);
}

// A client of event streams: reads until `text` has come, or the server closes.
bool WaitFor(Client& client, std::string_view text, std::string& received) {
  while (received.find(text) == std::string::npos) {
    const std::string piece = client.ReadSome();
    if (piece.empty()) return false;
    received += piece;
  }
  return true;
}

std::string StreamUri(std::uint16_t port) {
  Client client(port);
  const Reply bulk = client.Ask(RequestText("POST", "/ofrep/v1/evaluate/flags", "{}"));
  return bulk.At({"eventStreams", "0", "endpoint", "requestUri"});
}

TEST_F(ServerTest, AChangeReachesTheStreamsOfEveryLoop) {
  Start();
  Client setup(port());
  ASSERT_EQ(setup.Ask(RequestText("POST", kFlagPath, R"({"flagKey":"f","owner":"o","defaultEnabled":true})")).status,
            201);
  const std::string uri = StreamUri(port());
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::string> received(40);
  for (std::size_t i = 0; i < received.size(); ++i) {
    clients.push_back(std::make_unique<Client>(port()));
    clients[i]->Send(RequestText("GET", uri));
    ASSERT_TRUE(WaitFor(*clients[i], "retry: ", received[i]));
    EXPECT_TRUE(received[i].starts_with("HTTP/1.1 200 OK\r\n"));
  }
  ASSERT_EQ(setup.Ask(RequestText("PUT", "/api/v1/environments/development/kill-switches/global", R"({"reason":"r"})"))
                .status,
            200);
  for (std::size_t i = 0; i < received.size(); ++i) EXPECT_TRUE(WaitFor(*clients[i], "refetchEvaluation", received[i]));
  // What a client says on its stream is not looked at; when it goes, the server notices.
  clients[0]->Send("anything at all");
  clients.resize(1);
  std::string metrics;
  for (int i = 0; i < 200 && metrics.find("guidon_streams 1\n") == std::string::npos; ++i)
    metrics = setup.Ask(RequestText("GET", "/metrics")).body;
  EXPECT_NE(metrics.find("guidon_streams 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("guidon_stream_events_total 40\n"), std::string::npos);
}

TEST_F(ServerTest, StreamsAreTheirOwnLimit) {
  ServerOptions options;
  options.io_threads = 1;
  options.limits.connections_max = 2;
  Start(options);
  const std::string request = RequestText("GET", "/api/v1/environments/development/events");
  std::vector<std::unique_ptr<Client>> streams;
  for (int i = 0; i < 5; ++i) {
    streams.push_back(std::make_unique<Client>(port()));
    streams.back()->Send(request);
    std::string received;
    ASSERT_TRUE(WaitFor(*streams.back(), "\"state\":\"serving\"", received)) << i;
  }
  Client other(port());
  EXPECT_EQ(other.Ask(kHealth).status, 200);
}

TEST_F(ServerTest, AtTheEndStreamsAreToldWhenToComeBack) {
  Start();
  Client evaluation(port());
  Client management(port());
  std::string received;
  evaluation.Send(RequestText("GET", StreamUri(port())));
  ASSERT_TRUE(WaitFor(evaluation, "retry: ", received));
  management.Send(RequestText("GET", "/api/v1/environments/development/events"));
  received.clear();
  ASSERT_TRUE(WaitFor(management, "event: node", received));
  EXPECT_TRUE(server->Stop(std::chrono::seconds(5)));
  bool closed = false;
  EXPECT_NE(evaluation.ReadToEnd(&closed).find("retry: "), std::string::npos);
  EXPECT_TRUE(closed);
  const std::string last = management.ReadToEnd(&closed);
  EXPECT_NE(last.find("\"state\":\"draining\""), std::string::npos) << last;
  EXPECT_TRUE(closed);
}

TEST_F(ServerTest, StopFinishesWhatBeganAndClosesTheIdle) {
  Start();
  Client idle(port());
  ASSERT_EQ(idle.Ask(kHealth).status, 200);
  Client working(port());
  ASSERT_EQ(working.Ask(kHealth).status, 200);
  gate.Close();
  working.Send(RequestText("GET", kFlagPath + "/f") + kHealth);
  gate.WaitForWaiting(1);
  bool whole = false;
  std::thread stopper([&] { whole = server->Stop(std::chrono::seconds(10)); });
  bool closed = false;
  EXPECT_EQ(idle.ReadToEnd(&closed), "");
  EXPECT_TRUE(closed);
  gate.Open();
  const auto replies = ParseReplies(working.ReadToEnd(&closed));
  stopper.join();
  EXPECT_TRUE(whole);
  ASSERT_GE(replies.size(), 1U);
  EXPECT_EQ(replies[0].status, 404);
  EXPECT_EQ(replies[0].Header("Connection"), "close");
  EXPECT_TRUE(closed);
  Client late(port());
  EXPECT_EQ(late.Ask(kHealth).status, 0);
}

TEST_F(ServerTest, StopCutsWhatTakesLongerThanItsGrace) {
  Start();
  gate.Close();
  Client working(port());
  working.Send(RequestText("GET", kFlagPath + "/f"));
  gate.WaitForWaiting(1);
  std::thread opener([&] {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::chrono::milliseconds(300));
    gate.Open();
  });
  EXPECT_FALSE(server->Stop(std::chrono::milliseconds(50)));
  opener.join();
}

TEST_F(ServerTest, AnAddressInUseIsAnError) {
  ServerOptions options;
  options.io_threads = 1;
  Start(options);
  options.port = port();
  const auto second = Server::Start(*app, table, options);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, base::ErrorCode::kUnavailable);
  options.address = "not an address";
  EXPECT_EQ(Server::Start(*app, table, options).error().code, base::ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace guidon::api_test
