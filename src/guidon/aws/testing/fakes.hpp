// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "guidon/aws/credentials.hpp"
#include "guidon/aws/http.hpp"
#include "guidon/aws/machine.hpp"
#include "guidon/aws/wait_clock.hpp"

// What stands for the world in tests of AWS clients.
namespace guidon::aws {

// Answers by a function and remembers what it was asked.
class FakeTransport final : public HttpTransport {
 public:
  using Answer = std::expected<HttpResponse, TransportError>;
  std::function<Answer(const HttpRequest&)> answer;
  std::vector<HttpRequest> requests;

  Answer Send(const HttpRequest& request, std::stop_token /*stop*/) override {
    const std::lock_guard lock(mutex_);
    requests.push_back(request);
    return answer(request);
  }

 private:
  std::mutex mutex_;
};

inline std::string HeaderOf(const HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

// Pauses pass at once and are remembered.
class FakeWaitClock final : public WaitClock {
 public:
  std::vector<std::chrono::milliseconds> pauses;

  Time Now() const override { return Time{} + std::chrono::milliseconds{now_ms_.load()}; }
  bool Pause(std::chrono::milliseconds duration, std::stop_token stop) override {
    const std::lock_guard lock(mutex_);
    pauses.push_back(duration);
    now_ms_.fetch_add(duration.count());
    return !stop.stop_requested();
  }
  void Advance(std::chrono::milliseconds duration) { now_ms_.fetch_add(duration.count()); }

 private:
  std::mutex mutex_;
  std::atomic<std::int64_t> now_ms_{1'000'000};
};

class FakeMachine final : public Machine {
 public:
  std::map<std::string, std::string> variables;
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> programs;  // command → output

  std::optional<std::string> Variable(const std::string& name) const override { return Find(variables, name); }
  base::Result<std::optional<std::string>> ReadFile(const std::string& path) const override {
    return Find(files, path);
  }
  base::Result<std::string> Run(const std::string& command) const override {
    if (const auto output = Find(programs, command)) return *output;
    return base::Fail(base::ErrorCode::kUnavailable, "the program failed with status 1");
  }

 private:
  static std::optional<std::string> Find(const std::map<std::string, std::string>& map, const std::string& key) {
    const auto found = map.find(key);
    return found != map.end() ? std::optional(found->second) : std::nullopt;
  }
};

// Gives what it is told to give.
class FakeSource final : public CredentialSource {
 public:
  std::function<base::Result<std::optional<Credentials>>()> fetch = [] {
    return std::optional(Credentials{.access_key_id = "AKID", .secret_access_key = "secret"});
  };
  std::atomic<int> fetches{0};
  base::Result<std::optional<Credentials>> Fetch() override {
    fetches.fetch_add(1);
    return fetch();
  }
};

}  // namespace guidon::aws
