// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "guidon/api_grpc/figures.hpp"
#include "guidon/app/application.hpp"
#include "guidon/base/result.hpp"

namespace guidon::api_grpc {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t evaluation_port = 8013;  // flagd's; 0 = any free one
  std::uint16_t sync_port = 8015;        // flagd's; 0 = any free one
  std::string unix_socket = {};          // path of a socket that serves both as well; "" = none
  std::string tls_certificate = {};      // PEM, with the chain; "" = plain text
  std::string tls_key = {};              // PEM
  bool local_profile = false;            // calls without a key from this machine are the local administrator's
  std::string default_environment = "development";
};

// flagd's gRPC interfaces (spec 4): flagd.evaluation.v1 and v2, flagd.sync.v1, with health and reflection. See
// README.md of this module.
class Server {
 public:
  // Binds and serves. `app` outlives the server. Errors: kUnavailable (address in use …), kInvalidArgument (TLS).
  // `figures` outlives the server.
  static base::Result<std::unique_ptr<Server>> Start(app::Application& app, const ServerOptions& options,
                                                     Figures& figures);
  ~Server();  // as Stop(0)

  std::uint16_t evaluation_port() const;  // the one that was bound
  std::uint16_t sync_port() const;
  // Ends streams with UNAVAILABLE, so that providers connect to another node, answers what was begun, refuses the rest.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::api_grpc
