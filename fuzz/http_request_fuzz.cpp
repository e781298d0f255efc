// SPDX-License-Identifier: Apache-2.0
// Bytes of one connection → the whole interface → bytes of its answers, over a table in memory. Whatever comes in, the
// answers are whole HTTP, and the same bytes in pieces get no other answers.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/session.hpp"
#include "guidon/api_http/wire.hpp"
#include "guidon/app/application.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/store/metered_table.hpp"
#include "guidon/store_memory/memory_table.hpp"

namespace guidon {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

struct World {
  World() : clock(base::Timestamp(std::chrono::milliseconds(1'790'000'000'000))), memory(clock), table(memory) {
    app::ApplicationOptions options{.environments = {},
                                    .default_environment = "development",
                                    .key_hash_secret = std::string(32, 'k'),
                                    .compile = api_http::WireAnnotations()};
    options.environments.push_back(*model::Environment::Parse("development"));
    app = *app::Application::Open(table, clock, options);
    const app::RequestInfo request{.principal = {.kind = app::PrincipalKind::kLocal, .id = "local"},
                                   .request_id = "seed"};
    Require(app->flags().Create(request, {.flag_key = "f", .environment = "development", .owner = "o"}).has_value());
    api_http::ServerOptions server;
    server.local_profile = true;
    api = std::make_unique<api_http::Api>(*app, table, server);
    io = std::make_unique<api_http::IoState>(*api);
  }

  base::ManualClock clock;
  store_memory::MemoryTable memory;
  store::MeteredTable table;
  std::unique_ptr<app::Application> app;
  std::unique_ptr<api_http::Api> api;
  std::unique_ptr<api_http::IoState> io;
};

std::vector<int> Statuses(std::string_view out) {
  std::vector<int> statuses;
  while (!out.empty()) {
    Require(out.starts_with("HTTP/1.1 ") && out.size() > 12);
    const int status = std::atoi(std::string(out.substr(9, 3)).c_str());
    Require(status >= 100 && status <= 599);
    const std::size_t head = out.find("\r\n\r\n");
    Require(head != std::string_view::npos);
    std::size_t length = 0;
    if (const std::size_t at = out.find("Content-Length:"); at < head)
      length = std::strtoul(std::string(out.substr(at + 15, 12)).c_str(), nullptr, 10);
    out.remove_prefix(head + 4);
    // HEAD says the length of a body that is not there.
    if (!out.empty() && !out.starts_with("HTTP/1.1 ")) {
      Require(length <= out.size());
      out.remove_prefix(length);
    }
    if (status != 100) statuses.push_back(status);
  }
  return statuses;
}

std::vector<int> Drive(World& world, std::string_view bytes, std::size_t piece) {
  api_http::Session session(*world.api, *world.io, "127.0.0.1");
  std::string out;
  for (;;) {
    switch (session.Advance()) {
      case api_http::Session::Step::kRead: {
        if (bytes.empty() || session.closes()) return Statuses(out);
        const auto room = session.Prepare();
        Require(!room.empty());
        const std::size_t size = std::min({room.size(), bytes.size(), piece});
        std::memcpy(room.data(), bytes.data(), size);
        bytes.remove_prefix(size);
        session.Commit(size);
        continue;
      }
      case api_http::Session::Step::kWork:
        session.Work();
        session.FinishWork();
        break;
      case api_http::Session::Step::kWrite: break;
    }
    out += session.output();
    session.Written();
  }
}

}  // namespace
}  // namespace guidon

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static guidon::World world;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = guidon::Drive(world, bytes, bytes.size() + 1);
  const auto pieces = guidon::Drive(world, bytes, 1U + data[0] % 64U);
  // Storing has effects, and a refusal before its body has come closes the connection: fewer answers, never more.
  guidon::Require(pieces.size() <= whole.size() && pieces.empty() == whole.empty());
  return 0;
}
