// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/server.hpp"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/io_loop.hpp"
#include "guidon/api_http/worker_pool.hpp"

namespace guidon::api_http {

// In the order in which they may be destroyed from below: loops let go of their connections first.
struct Server::Impl {
  Impl(app::Application& app, const store::MeteredTable& table, const ServerOptions& options)
      : api(app, table, options),
        connections(options.limits.connections_max),
        workers(options.worker_threads, options.limits.worker_queue_max) {
    api.metrics().SetWorkers([this] { return workers.figures(); });
  }

  Api api;
  ConnectionCount connections;
  std::vector<std::unique_ptr<IoState>> states;
  WorkerPool workers;
  std::vector<std::unique_ptr<IoLoop>> loops;
  std::uint16_t port = 0;
  bool stopped = false;
};

namespace {

unsigned LoopCount(const ServerOptions& options) {
  if (options.io_threads != 0) return options.io_threads;
  const unsigned cores = std::thread::hardware_concurrency();
  return cores <= 2 ? 1 : cores;  // a second thread would only fight the rest of the machine
}

base::Status Check(const ServerOptions& options) {
  const ServerLimits& limits = options.limits;
  if (limits.header_bytes_max < 256 || limits.connections_max == 0 || limits.sweep_interval.count() <= 0 ||
      limits.stream_life.count() <= 0)
    return base::Fail(base::ErrorCode::kInvalidArgument, "a limit is too small to serve anything", "limits");
  return {};
}

}  // namespace

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Stop(std::chrono::milliseconds(0)); }

base::Result<std::unique_ptr<Server>> Server::Start(app::Application& app, const store::MeteredTable& table,
                                                    const ServerOptions& options) {
  GUIDON_TRY(Check(options));
  auto impl = std::make_unique<Impl>(app, table, options);
  const unsigned count = LoopCount(options);
  impl->port = options.port;
  for (unsigned i = 0; i < count; ++i) {
    IoState& io = *impl->states.emplace_back(std::make_unique<IoState>(impl->api));
    const IoLoop::Shared shared{.api = impl->api, .io = io, .workers = impl->workers, .connections = impl->connections};
    GUIDON_ASSIGN(auto loop, IoLoop::Listen(shared, options.address, impl->port, count > 1));
    impl->port = loop->port();
    impl->loops.push_back(std::move(loop));
  }
  for (const auto& loop : impl->loops) loop->Start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const { return impl_->port; }

bool Server::Stop(std::chrono::milliseconds grace) {
  if (std::exchange(impl_->stopped, true)) return true;
  impl_->api.app().receipts().StopWaiting();  // whoever waits for a change is answered now
  for (const auto& loop : impl_->loops) loop->Drain();
  impl_->api.streams().WaitForNone(grace);  // they end by themselves: each loop says goodbye and closes
  const bool all = impl_->connections.WaitForNone(grace);
  impl_->workers.Stop();
  for (const auto& loop : impl_->loops) loop->Stop();
  return all;
}

}  // namespace guidon::api_http
