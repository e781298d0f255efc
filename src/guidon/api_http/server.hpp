// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "guidon/api_http/more_metrics.hpp"
#include "guidon/api_http/static_site.hpp"
#include "guidon/app/application.hpp"
#include "guidon/base/result.hpp"
#include "guidon/store/metered_table.hpp"

namespace guidon::api_http {

// Limits of what a client may send or hold. Each can be changed in the configuration.
struct ServerLimits {
  std::size_t connections_max = 10'000;                 // further ones are answered 503 and closed
  std::size_t streams_max = 10'000;                     // event streams, besides; further ones are answered 503
  std::size_t requests_per_connection_max = 1'000'000;  // then the connection is closed: clients spread again
  std::size_t header_bytes_max = 16UL * 1024;           // 431
  std::size_t body_bytes_max = 1024UL * 1024;           // 413
  std::size_t evaluate_body_bytes_max = 64UL * 1024;    // 413: a context is small
  // 413: the keys of one segment, as many as the model allows (64 MiB of text), with quotes, commas and escapes. Only
  // for administrators: the credential is checked before the body is read.
  std::size_t segment_keys_body_bytes_max = 80UL * 1024 * 1024;
  std::size_t worker_queue_max = 1'000;            // storage work that waits; beyond it 503 with Retry-After
  std::chrono::seconds idle_timeout{75};           // between requests
  std::chrono::seconds request_timeout{20};        // from the first byte of a request to its last
  std::chrono::seconds write_timeout{20};          // a client that does not read its answer
  std::chrono::seconds stream_keep_alive{20};      // between comments; proxies close what is silent for a minute
  std::chrono::seconds stream_life{3600};          // then clients come back, to whichever node; by a quarter at random
  std::chrono::milliseconds sweep_interval{1000};  // how often deadlines are looked at, and so how exact they are
};

// A setting that the program runs with, as an operator may see it: masked where it is secret.
struct EffectiveSetting {
  std::string name;    // "log.level"
  std::string value;   // as it would be written in the configuration
  std::string origin;  // which kind of place decided: "default", "profile", "file", "environment", "flag"
  std::string source;  // which one: "GUIDON_LOG_LEVEL", "guidon.toml:3"; empty for a default
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 3001;     // 0 = any free one
  unsigned io_threads = 0;       // 0 = one where there are at most 2 cores, else one for each core
  unsigned worker_threads = 32;  // they block on the store
  bool local_profile = false;    // requests without a key are the local administrator's; Host and Origin checked
  std::string default_environment = "development";  // of OFREP requests without a key in the local profile
  std::vector<std::string> allowed_hosts = {};      // besides loopback names, for the local profile's Host check
  // Web origins (`https://app.example.com`) whose pages may evaluate from a browser (CORS). Evaluation only.
  std::vector<std::string> allowed_origins = {};
  ServerLimits limits = {};
  // The admin UI, served at "/" (static_site.hpp); empty: none. The files outlive the server.
  std::span<const StaticFile> ui = {};
  // For GET /api/v1/configuration; called on worker threads, several at a time. Empty: no settings are shown.
  std::function<std::vector<EffectiveSetting>()> settings = {};
  MoreMetrics more_metrics = {};
};

// The HTTP server: OFREP, management API, health, metrics, contract. See README.md of this module.
class Server {
 public:
  // Binds, listens and starts serving. `app` and `table` outlive the server. Errors: kUnavailable (address in use …),
  // kInvalidArgument.
  static base::Result<std::unique_ptr<Server>> Start(app::Application& app, const store::MeteredTable& table,
                                                     const ServerOptions& options);
  ~Server();  // as Stop(0)

  std::uint16_t port() const;  // the one that was bound
  // Stops accepting, answers what was begun, refuses the rest with 503 and Connection: close, returns when all
  // connections are closed or `grace` has passed. True when nothing was cut off.
  bool Stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::api_http
