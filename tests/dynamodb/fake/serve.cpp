// SPDX-License-Identifier: Apache-2.0
// The fake DynamoDB over HTTP on a free loopback port, for clients that are not ours:
//
//   fake_dynamo        prints its port, serves until its standard input ends
//
// POST /script with names of faults, one a line ("500 after"), sets what happens to the next requests; POST /commits
// answers with the number of committed writes.
#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <thread>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/dynamodb/fake/fake_dynamo.hpp"

namespace guidon::dynamodb_test {
namespace {

// One connection of a client, with what has been received of it.
class Connection {
 public:
  explicit Connection(int socket) : socket_(socket) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(socket_); }

  // Nothing at the end of the connection.
  std::optional<aws::HttpRequest> Receive() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!More()) return std::nullopt;
    }
    aws::HttpRequest request;
    ReadHead(buffer_.substr(0, end), request);
    buffer_.erase(0, end + 4);
    std::size_t length = 0;
    for (const auto& [name, value] : request.headers) {
      if (name == "content-length") length = std::stoul(value);
    }
    while (buffer_.size() < length) {
      if (!More()) return std::nullopt;
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return request;
  }

  void Answer(const aws::HttpResponse& response) {
    std::string text = fmt::format("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", response.status, response.body.size());
    for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
    text += "\r\n" + response.body;
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t count = send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }

 private:
  bool More() {
    std::array<char, 65536> chunk{};
    const ssize_t count = recv(socket_, chunk.data(), chunk.size(), 0);
    if (count > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(count));
    return count > 0;
  }

  static void ReadHead(const std::string& head, aws::HttpRequest& request) {
    for (std::size_t at = 0; at < head.size();) {
      const std::size_t end = std::min(head.find("\r\n", at), head.size());
      const std::string line = head.substr(at, end - at);
      at = end + 2;
      const std::size_t colon = line.find(": ");
      if (request.url.empty()) {
        request.url = line.substr(line.find(' ') + 1, line.rfind(' ') - line.find(' ') - 1);
      } else if (colon != std::string::npos) {
        std::string name = line.substr(0, colon);
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        request.headers.emplace_back(std::move(name), line.substr(colon + 2));
      }
    }
  }

  const int socket_;
  std::string buffer_;
};

class Program {
 public:
  Program() {
    fake_.script = [this](std::string_view) {
      const std::lock_guard lock(mutex_);
      if (faults_.empty()) return Fault::kNone;
      const Fault fault = faults_.front();
      faults_.pop_front();
      return fault;
    };
  }

  void Serve(int socket) {
    Connection connection(socket);
    while (const auto request = connection.Receive()) {
      if (request->url == "/script") {
        SetScript(request->body);
        connection.Answer({.status = 200});
      } else if (request->url == "/commits") {
        connection.Answer({.status = 200, .body = std::to_string(fake_.commits().size())});
      } else {
        const auto answer = fake_.Send(*request, {});
        if (!answer) return;  // the connection breaks
        connection.Answer(*answer);
      }
    }
  }

 private:
  void SetScript(const std::string& text) {
    const std::lock_guard lock(mutex_);
    faults_.clear();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      for (std::size_t i = 0; i < kFaultCount; ++i) {
        if (NameOf(static_cast<Fault>(i)) == text.substr(at, end - at)) faults_.push_back(static_cast<Fault>(i));
      }
      at = end + 1;
    }
  }

  base::SystemClock clock_;
  FakeDynamo fake_{clock_};
  std::mutex mutex_;
  std::deque<Fault> faults_;
};

int Run() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 64) != 0) return 1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  static Program program;  // outlives the threads of connections that are still open at the end
  std::thread([listener] {
    while (true) {
      const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection >= 0) std::thread([connection] { program.Serve(connection); }).detach();
    }
  }).detach();
  fmt::print("{}\n", ntohs(address.sin_port));
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  std::_Exit(0);
}

}  // namespace
}  // namespace guidon::dynamodb_test

int main() { return guidon::dynamodb_test::Run(); }
