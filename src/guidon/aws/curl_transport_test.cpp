// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/curl_transport.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace guidon::aws {
namespace {

using Kind = TransportError::Kind;
using std::chrono::milliseconds;

constexpr std::string_view kGood = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amz-Crc32:  7 \r\n\r\nok";

// A server on a free loopback port that treats each connection as `serve` says, each in a thread of its own.
class TestServer {
 public:
  explicit TestServer(std::function<void(int)> serve) : serve_(std::move(serve)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 64), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { Accept(); });
  }
  ~TestServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    connections_.clear();
    close(listener_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  int connections() const { return count_.load(); }

  // The head and body of a request, "" at the end of the connection.
  static std::string Receive(int connection) {
    std::string text;
    std::array<char, 4096> chunk{};
    while (true) {
      const std::size_t end = text.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t length = text.find("Content-Length: ");
        const std::size_t body = length < end ? std::stoul(text.substr(length + 16)) : 0;
        if (text.size() >= end + 4 + body) return text;
      }
      const ssize_t got = recv(connection, chunk.data(), chunk.size(), 0);
      if (got <= 0) return {};
      text.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }
  static void Answer(int connection, std::string_view text) {
    send(connection, text.data(), text.size(), MSG_NOSIGNAL);
  }

 private:
  void Accept() {
    while (true) {
      const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      count_.fetch_add(1);
      connections_.emplace_back([this, connection] {
        serve_(connection);
        close(connection);
      });
    }
  }

  std::function<void(int)> serve_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> count_{0};
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;
};

class CurlTransportTest : public testing::Test {
 protected:
  CurlTransportTest() : transport_(*CurlTransport::Create()) {}
  HttpRequest To(const TestServer& server) const {
    return {.url = server.url(), .headers = {{"x-name", "value"}}, .body = "{}", .direct = true};
  }
  std::unique_ptr<CurlTransport> transport_;
};

TEST_F(CurlTransportTest, SendsAndKeepsTheConnection) {
  std::string seen;
  TestServer server([&](int connection) {
    for (std::string request; !(request = TestServer::Receive(connection)).empty();) {
      seen = request;
      TestServer::Answer(connection, kGood);
    }
  });
  for (int i = 0; i < 5; ++i) {
    const auto answer = transport_->Send(To(server), {});
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "ok");
    EXPECT_EQ(answer->headers.at("x-amz-crc32"), "7");
  }
  EXPECT_EQ(server.connections(), 1);
  transport_.reset();
  EXPECT_THAT(seen, testing::StartsWith("POST / HTTP/1.1\r\n"));
  EXPECT_THAT(seen, testing::HasSubstr("x-name: value\r\n"));
  EXPECT_THAT(seen, testing::EndsWith("\r\n\r\n{}"));
}

TEST_F(CurlTransportTest, ManyThreadsShareIt) {
  TestServer server([](int connection) {
    while (!TestServer::Receive(connection).empty()) TestServer::Answer(connection, kGood);
  });
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 25; ++k) good += transport_->Send(To(server), {}).has_value();
      });
    }
  }
  EXPECT_EQ(good.load(), 16 * 25);
  EXPECT_LE(server.connections(), 16);
  transport_.reset();
}

TEST_F(CurlTransportTest, ARefusedConnectionWasNeverSent) {
  std::string url;
  {
    const TestServer gone([](int) {});
    url = gone.url();
  }
  const auto answer = transport_->Send({.url = url, .direct = true}, {});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, Kind::kNotConnected);
  EXPECT_FALSE(answer.error().maybe_received);
}

TEST_F(CurlTransportTest, ABrokenConnectionMayHaveBeenReceived) {
  TestServer server([](int connection) {
    TestServer::Receive(connection);
    TestServer::Answer(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  const auto answer = transport_->Send(To(server), {});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, Kind::kBroken);
  EXPECT_TRUE(answer.error().maybe_received);
  transport_.reset();
}

TEST_F(CurlTransportTest, AKeptConnectionThatClosesDoesNotSendTwice) {
  // Answers the first request of a connection; takes the second and closes without a word.
  std::atomic<int> received{0};
  TestServer server([&](int connection) {
    received += !TestServer::Receive(connection).empty();
    TestServer::Answer(connection, kGood);
    received += !TestServer::Receive(connection).empty();
  });
  ASSERT_TRUE(transport_->Send(To(server), {}).has_value());
  const auto lost = transport_->Send(To(server), {});
  ASSERT_FALSE(lost.has_value());
  EXPECT_TRUE(lost.error().maybe_received);
  EXPECT_EQ(received.load(), 2);
  transport_.reset();
}

TEST_F(CurlTransportTest, TimesOutAndCanBeCancelled) {
  std::atomic<bool> asked{false};
  TestServer server([&](int connection) {
    TestServer::Receive(connection);
    asked.store(true);
    asked.notify_all();
    TestServer::Receive(connection);  // until the client gives up
  });
  HttpRequest request = To(server);
  request.timeout = milliseconds{50};
  const auto late = transport_->Send(request, {});
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().kind, Kind::kTimeout);
  EXPECT_TRUE(late.error().maybe_received);

  asked.store(false);
  request.timeout = milliseconds{60'000};
  std::stop_source stop;
  std::jthread canceller([&] {
    asked.wait(false);
    stop.request_stop();
  });
  const auto cancelled = transport_->Send(request, stop.get_token());
  ASSERT_FALSE(cancelled.has_value());
  EXPECT_EQ(cancelled.error().kind, Kind::kCancelled);

  asked.store(false);
  std::jthread stopper([&] {
    asked.wait(false);
    transport_.reset();
  });
  CurlTransport* transport = transport_.get();
  EXPECT_EQ(transport->Send(request, {}).error().kind, Kind::kCancelled);
}

}  // namespace
}  // namespace guidon::aws
