// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/io_loop.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <thread>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/intrusive/list.hpp>

#include "guidon/api_http/session.hpp"
#include "guidon/api_http/stream_hub.hpp"
#include "guidon/base/log.hpp"

namespace guidon::api_http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Tick = std::uint64_t;

constexpr Tick kNever = std::numeric_limits<Tick>::max();
constexpr int kRequestsInARow = 32;                     // of one pipelining connection before others have their turn
constexpr std::chrono::milliseconds kAcceptPause{100};  // when the system has no descriptors left
constexpr std::chrono::seconds kLingerTimeout{2};
constexpr std::size_t kLingerBytesMax = 256UL * 1024;

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr std::string_view kTooManyConnections =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/problem+json\r\n"
    "Retry-After: 1\r\n"
    "Connection: close\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

struct Connection : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  Connection(const IoLoop::Shared& shared, tcp::socket client, std::string peer)
      : socket(std::move(client)), session(shared.api, shared.io, std::move(peer)) {}

  tcp::socket socket;
  Session session;
  Tick deadline = kNever;
  bool expired = false;        // the sweeper ended an operation
  bool reads = false;          // an operation waits for the client
  bool request_timed = false;  // the deadline of the request in hand is set
  bool worked = false;
  bool streams = false;  // the head of an event stream is sent: the hub takes over
};

using Connections = boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

// The socket of a stream. Its operations may outlive the stream, so they hold on to it.
class SocketPeer final : public StreamPeer, public std::enable_shared_from_this<SocketPeer> {
 public:
  SocketPeer(tcp::socket socket, StreamHub& hub) : socket_(std::move(socket)), hub_(hub) {}

  std::optional<std::size_t> Send(std::string_view bytes) override {
    error_code ec;
    const std::size_t sent = socket_.write_some(asio::buffer(bytes), ec);
    if (ec && ec != asio::error::would_block) return std::nullopt;
    return sent;
  }
  void AwaitRoom(Stream& stream) override {
    socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this(), &stream](error_code) {
      if (self->open_) self->hub_.Writable(stream);
    });
  }
  void AwaitEnd(Stream& stream) override {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this(), &stream](error_code) {
      if (!self->open_) return;
      // Nothing is to come; what comes all the same is not looked at.
      std::array<char, 512> unread;
      error_code ec;
      self->socket_.read_some(asio::buffer(unread), ec);
      if (!ec || ec == asio::error::would_block) return self->AwaitEnd(stream);
      self->hub_.Ended(stream);
    });
  }
  void Close() override {
    open_ = false;
    error_code ec;
    socket_.shutdown(tcp::socket::shutdown_send, ec);
    socket_.close(ec);
  }

 private:
  tcp::socket socket_;
  StreamHub& hub_;
  bool open_ = true;
};

}  // namespace

struct IoLoop::Impl {
  explicit Impl(const Shared& from)
      : shared(from),
        context(1),
        guard(context.get_executor()),
        acceptor(context),
        pump_timer(context),
        hub(shared.api.app(), shared.io.counters, shared.io.ring(), shared.api.limits(), Scheduler()) {}

  StreamScheduler Scheduler();
  void Pump() { hub.Pump(StreamHub::Clock::now()); }

  base::Status Open(const std::string& address, std::uint16_t port, bool share_port);
  asio::awaitable<void> Accept();
  void Admit(tcp::socket socket);
  asio::awaitable<void> Serve(tcp::socket socket);
  asio::awaitable<void> Converse(Connection& connection);
  asio::awaitable<bool> Read(Connection& connection);
  asio::awaitable<bool> Write(Connection& connection);
  asio::awaitable<void> Work(Connection& connection);
  asio::awaitable<void> Linger(Connection& connection);
  asio::awaitable<void> Sweep();
  bool ReadWhatIsThere(Connection& connection);
  void SetDeadline(Connection& connection, std::chrono::milliseconds timeout) const;

  const Shared shared;
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  tcp::acceptor acceptor;
  Connections connections;
  asio::steady_timer pump_timer;
  StreamHub hub;  // after the context: its streams' sockets belong to that
  Tick now = 0;
  bool draining = false;
  std::thread thread;
};

StreamScheduler IoLoop::Impl::Scheduler() {
  return {.pump_soon = [this] { asio::post(context, [this] { Pump(); }); },
          .pump_after =
              [this](std::chrono::milliseconds delay) {
                pump_timer.expires_after(delay);
                pump_timer.async_wait([this](error_code ec) {
                  if (!ec) Pump();
                });
              }};
}

base::Status IoLoop::Impl::Open(const std::string& address, std::uint16_t port, bool share_port) {
  error_code ec;
  const auto ip = asio::ip::make_address(address == "localhost" ? "127.0.0.1" : address, ec);
  if (ec) return base::Fail(base::ErrorCode::kInvalidArgument, "must be an IP address or localhost", "listen");
  const tcp::endpoint endpoint(ip, port);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && share_port) acceptor.set_option(ReusePort(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) return {};
  return base::Fail(base::ErrorCode::kUnavailable,
                    "cannot listen on " + address + ":" + std::to_string(port) + ": " + ec.message(), "listen");
}

void IoLoop::Impl::SetDeadline(Connection& connection, std::chrono::milliseconds timeout) const {
  const auto interval = shared.api.limits().sweep_interval;
  connection.deadline = now + 1 + static_cast<Tick>((timeout + interval - std::chrono::milliseconds(1)) / interval);
}

asio::awaitable<void> IoLoop::Impl::Sweep() {
  asio::steady_timer timer(context);
  for (;;) {
    timer.expires_after(shared.api.limits().sweep_interval);
    error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    ++now;
    shared.io.Tick(shared.api.app().clock().Now());
    hub.Tick();
    for (Connection& connection : connections) {
      if (connection.deadline > now) continue;
      connection.deadline = kNever;
      connection.expired = true;
      connection.socket.cancel(ec);
    }
  }
}

asio::awaitable<void> IoLoop::Impl::Accept() {
  for (;;) {
    error_code ec;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, ec));
    if (draining || ec == asio::error::operation_aborted || !acceptor.is_open()) co_return;
    if (ec) {
      base::Log(base::LogLevel::kWarn, "a connection could not be accepted", {{"error", ec.message()}});
      asio::steady_timer pause(context, kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      continue;
    }
    Admit(std::move(socket));
  }
}

void IoLoop::Impl::Admit(tcp::socket socket) {
  error_code ec;
  socket.set_option(tcp::no_delay(true), ec);
  socket.non_blocking(true, ec);
  if (!shared.connections.TryAdd()) {
    shared.io.counters.connections_refused.Add();
    socket.write_some(asio::buffer(kTooManyConnections), ec);
    socket.shutdown(tcp::socket::shutdown_send, ec);
    std::array<char, 4096> unread;  // closing with input unread would reset the connection and lose the answer
    socket.read_some(asio::buffer(unread), ec);
    return;
  }
  asio::co_spawn(context, Serve(std::move(socket)), asio::detached);
}

asio::awaitable<void> IoLoop::Impl::Serve(tcp::socket socket) {
  error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  {
    Connection connection(shared, std::move(socket), ec ? std::string() : peer.address().to_string());
    if (draining) connection.session.Drain();
    connections.push_back(connection);
    shared.io.counters.connections_opened.Add();
    shared.io.counters.connections_open.Add();
    try {
      co_await Converse(connection);
    } catch (const std::exception& e) {
      base::Log(base::LogLevel::kError, "a connection failed", {{"error", e.what()}});
    }
    shared.io.counters.connections_open.Subtract();
    if (auto stream = connection.session.TakeStream(); stream && connection.streams && !draining) {
      hub.Adopt(std::make_shared<SocketPeer>(std::move(connection.socket), hub), *std::move(stream),
                StreamHub::Clock::now());
    } else {
      connection.socket.close(ec);
    }
  }
  shared.connections.Remove();
}

asio::awaitable<void> IoLoop::Impl::Converse(Connection& connection) {
  Session& session = connection.session;
  int in_a_row = 0;
  for (;;) {
    const Session::Step step = session.Advance();
    if (step == Session::Step::kRead) {
      in_a_row = 0;
      const bool more = co_await Read(connection);
      if (!more) co_return;
      continue;
    }
    if (step == Session::Step::kWork) co_await Work(connection);
    const bool written = co_await Write(connection);
    if (!written) co_return;
    if (session.streams()) {
      connection.streams = true;
      co_return;
    }
    if (session.closes()) {
      co_await Linger(connection);
      co_return;
    }
    if (++in_a_row >= kRequestsInARow) {
      in_a_row = 0;
      co_await asio::post(context, asio::use_awaitable);
    }
  }
}

asio::awaitable<bool> IoLoop::Impl::Read(Connection& connection) {
  Session& session = connection.session;
  const ServerLimits& limits = shared.api.limits();
  if (session.idle()) {
    if (draining) co_return ReadWhatIsThere(connection);
    connection.request_timed = false;
    SetDeadline(connection, limits.idle_timeout);
  } else if (!std::exchange(connection.request_timed, true)) {
    SetDeadline(connection, limits.request_timeout);
  }
  const auto room = session.Prepare();
  error_code ec;
  connection.reads = true;
  const std::size_t size = co_await connection.socket.async_read_some(asio::buffer(room.data(), room.size()),
                                                                      asio::redirect_error(asio::use_awaitable, ec));
  connection.reads = false;
  if (!ec) {
    session.Commit(size);
    co_return true;
  }
  if (std::exchange(connection.expired, false)) {
    if (session.idle()) co_return false;
    shared.io.counters.timeouts.Add();
    session.TimeOut();
    const bool written = co_await Write(connection);
    if (written) co_await Linger(connection);
    co_return false;
  }
  if (ec == asio::error::operation_aborted && draining) co_return ReadWhatIsThere(connection);
  co_return false;
}

// While draining: a request that had arrived before the connection was to be closed gets its answer.
bool IoLoop::Impl::ReadWhatIsThere(Connection& connection) {
  const auto room = connection.session.Prepare();
  error_code ec;
  const std::size_t size = connection.socket.read_some(asio::buffer(room.data(), room.size()), ec);
  if (ec || size == 0) return false;
  connection.session.Commit(size);
  return true;
}

asio::awaitable<bool> IoLoop::Impl::Write(Connection& connection) {
  const std::string& output = connection.session.output();
  connection.request_timed = false;
  connection.deadline = kNever;
  error_code ec;
  // Nearly always the socket takes all of it at once, without a turn through the scheduler.
  const std::size_t sent = connection.socket.write_some(asio::buffer(output), ec);
  if (ec == asio::error::would_block) ec = {};
  if (!ec && sent < output.size()) {
    SetDeadline(connection, shared.api.limits().write_timeout);
    co_await asio::async_write(connection.socket, asio::buffer(output.data() + sent, output.size() - sent),
                               asio::redirect_error(asio::use_awaitable, ec));
    connection.deadline = kNever;
    if (std::exchange(connection.expired, false)) shared.io.counters.timeouts.Add();
  }
  connection.session.Written();
  co_return !ec;
}

asio::awaitable<void> IoLoop::Impl::Work(Connection& connection) {
  connection.worked = false;
  connection.deadline = kNever;  // the store has time limits of its own
  auto start = [this, &connection](auto handler) {
    WorkerPool::Job job = [this, &connection, done = std::move(handler)](bool cancelled) mutable {
      if (!cancelled) {
        connection.session.Work();
        connection.worked = true;
      }
      asio::post(context, std::move(done));
    };
    if (!shared.workers.Submit(job)) job(true);
  };
  co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(start, asio::use_awaitable);
  if (connection.worked) {
    connection.session.FinishWork();
  } else {
    connection.session.RefuseWork();
  }
}

// Lets the client read the last answer: closing with input unread would reset the connection.
asio::awaitable<void> IoLoop::Impl::Linger(Connection& connection) {
  error_code ec;
  connection.socket.shutdown(tcp::socket::shutdown_send, ec);
  SetDeadline(connection, draining ? std::chrono::milliseconds(0) : kLingerTimeout);
  std::array<char, 4096> unread;
  for (std::size_t size = 0; !ec && size < kLingerBytesMax;) {
    size +=
        co_await connection.socket.async_read_some(asio::buffer(unread), asio::redirect_error(asio::use_awaitable, ec));
  }
}

IoLoop::IoLoop(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
IoLoop::~IoLoop() { Stop(); }

base::Result<std::unique_ptr<IoLoop>> IoLoop::Listen(const Shared& shared, const std::string& address,
                                                     std::uint16_t port, bool share_port) {
  auto impl = std::make_unique<Impl>(shared);
  GUIDON_TRY(impl->Open(address, port, share_port));
  return std::unique_ptr<IoLoop>(new IoLoop(std::move(impl)));
}

std::uint16_t IoLoop::port() const {
  error_code ec;
  return impl_->acceptor.local_endpoint(ec).port();
}

void IoLoop::Start() {
  asio::co_spawn(impl_->context, impl_->Accept(), asio::detached);
  asio::co_spawn(impl_->context, impl_->Sweep(), asio::detached);
  impl_->thread = std::thread([impl = impl_.get()] { impl->context.run(); });
}

void IoLoop::Drain() {
  asio::post(impl_->context, [impl = impl_.get()] {
    impl->draining = true;
    error_code ec;
    impl->acceptor.close(ec);
    impl->hub.Drain();
    for (Connection& connection : impl->connections) {
      connection.session.Drain();
      if (connection.reads && connection.session.idle()) connection.socket.cancel(ec);
    }
  });
}

void IoLoop::Stop() {
  impl_->context.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->shared.io.HandOverUsage();
}

}  // namespace guidon::api_http
