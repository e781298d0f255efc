// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/session.hpp"
#include "guidon/api_http/wire.hpp"
#include "guidon/app/application.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/json/json.hpp"
#include "guidon/store/metered_table.hpp"
#include "guidon/store_memory/memory_table.hpp"

namespace guidon::api_test {

using Headers = std::vector<std::pair<std::string, std::string>>;

// One answer, taken apart.
struct Reply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // Empty where there is none; names without regard to case.
  std::string Header(std::string_view name) const;
  model::Value Json() const;
  // The text (or other value as JSON) at a path of member names, "" where it is missing.
  std::string At(std::initializer_list<std::string_view> path) const;
  std::string Code() const { return At({"code"}); }
  // The body without what differs for each request.
  std::string Masked() const;
};

// Takes answers off the front of `bytes`. `head`: the request was HEAD, so no body follows.
std::vector<Reply> ParseReplies(std::string_view bytes, bool head = false);

std::string RequestText(std::string_view method, std::string_view target, std::string_view body = {},
                        const Headers& headers = {});

// Everything behind the interface, over a table in memory and a clock that stands still.
class Harness {
 public:
  explicit Harness(bool local_profile = true, api_http::ServerOptions options = {});

  // One request on a connection of its own; its answer is checked against the contract.
  Reply Send(std::string_view method, std::string_view target, std::string_view body = {}, const Headers& headers = {});
  // What the server says to `bytes` on one connection, and whether it then closes.
  std::string Talk(std::string_view bytes, bool* closes = nullptr, std::size_t piece = 0);
  static std::string Drive(api_http::Session& session, std::string_view bytes, std::size_t piece = 0);

  // A key's token, made behind the interface.
  std::string MakeKey(model::KeyKind kind, std::optional<std::string> environment = std::nullopt,
                      std::optional<std::string> tenant = std::nullopt,
                      std::optional<base::Timestamp> expires_at = std::nullopt);
  std::string KeyIdOf(std::string_view token) const;
  // Creates a flag and asserts that it worked.
  void MakeFlag(std::string_view json, std::string_view environment = "development");
  app::RequestInfo Administrator() const;

  base::ManualClock clock;
  store_memory::MemoryTable memory;
  store::MeteredTable table;
  std::unique_ptr<app::Application> app;
  api_http::ServerOptions options;
  std::unique_ptr<api_http::Api> api;
  std::unique_ptr<api_http::IoState> io;
  std::string credential;  // added to each request of Send where it has none
};

}  // namespace guidon::api_test
