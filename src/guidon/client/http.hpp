// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/base/result.hpp"

namespace guidon::client {

struct HttpAnswer {
  int status = 0;                                   // 0: there was none
  std::map<std::string, std::string> headers = {};  // names in small letters
  std::string body = {};
  std::string error = {};  // why there was none; a sentence's part
};

struct HttpCall {
  std::string method = "GET";
  std::string url = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  // The whole exchange; zero for a stream, which then ends after `silence_max` without a byte.
  std::chrono::milliseconds timeout{0};
  std::chrono::seconds silence_max{0};
  // Gets the body of a 200 as it comes, in place of the answer; false ends the call. Empty: the body is collected.
  std::function<bool(std::string_view)> on_data = {};
  std::function<void(HttpAnswer)> done = {};  // exactly once, from Poll
};

// Calls to one server, all under way at once on the caller's thread: libcurl's multi interface. Never follows a
// redirect, so that a credential goes nowhere but to the server that was configured. One thread only, but for Wake.
class Http {
 public:
  // `ca_bundle`: "" = the system's. Error: kUnavailable where libcurl cannot begin.
  static base::Result<std::unique_ptr<Http>> Create(std::string user_agent, std::string ca_bundle);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  std::uint64_t Start(HttpCall call);
  // `done` is not called any more.
  void Cancel(std::uint64_t id);
  // Moves everything on and waits for something to happen, at most so long.
  void Poll(std::chrono::milliseconds wait);
  // Ends a Poll that waits. From any thread.
  void Wake();

 private:
  struct Impl;
  explicit Http(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Percent-encoded for a query or a path segment.
std::string UrlEncode(std::string_view text);

}  // namespace guidon::client
