// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/connection_count.hpp"
#include "guidon/api_http/worker_pool.hpp"
#include "guidon/base/result.hpp"

namespace guidon::api_http {

// One I/O context with its thread, acceptor and connections. Each connection is a coroutine around a Session; one timer
// looks at all deadlines (ServerLimits::sweep_interval), so that an operation costs no timer of its own.
class IoLoop {
 public:
  // All outlive the loop.
  struct Shared {
    const Api& api;
    IoState& io;
    WorkerPool& workers;
    ConnectionCount& connections;
  };

  // Binds and listens; serving starts with Start. `share_port`: other loops listen on the same port. Errors:
  // kInvalidArgument, kUnavailable.
  static base::Result<std::unique_ptr<IoLoop>> Listen(const Shared& shared, const std::string& address,
                                                      std::uint16_t port, bool share_port);
  ~IoLoop();

  std::uint16_t port() const;
  void Start();
  // Stops accepting, closes idle connections, ends streams with a hint when to come back, and the other connections
  // with their next answer. Returns at once.
  void Drain();
  // Ends the thread, whatever is open. Jobs of its connections must not come to an end afterwards.
  void Stop();

 private:
  struct Impl;
  explicit IoLoop(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::api_http
