// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/server.hpp"

#include <utility>

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "guidon/api_grpc/access.hpp"
#include "guidon/api_grpc/evaluation_service.hpp"
#include "guidon/api_grpc/stream_hub.hpp"
#include "guidon/api_grpc/sync_service.hpp"

namespace guidon::api_grpc {
namespace {

constexpr int kRequestBytesMax = 64 * 1024;  // a context is small
// A dead peer behind a silent network is noticed within these two.
constexpr int kPingIntervalMs = 60'000;
constexpr int kPingTimeoutMs = 20'000;

std::string HostPort(const std::string& address, std::uint16_t port) {
  return address.find(':') != std::string::npos && !address.starts_with('[') ? fmt::format("[{}]:{}", address, port)
                                                                             : fmt::format("{}:{}", address, port);
}

// Providers ping as often as they were told to, streams or not. None of that is an attack.
void TolerateDefaultClients(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Another server on the port is an error, not a partner.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace

struct Server::Impl {
  Impl(app::Application& app, const ServerOptions& options, Figures& figures)
      : gate(app, options.local_profile, options.default_environment),
        hub(app, figures),
        evaluation_v1(EvaluationServiceV1(app, gate, hub)),
        evaluation_v2(EvaluationServiceV2(app, gate, hub)),
        sync(app, gate, hub) {}

  Gate gate;
  StreamHub hub;
  std::unique_ptr<grpc::Service> evaluation_v1;
  std::unique_ptr<grpc::Service> evaluation_v2;
  SyncService sync;
  std::unique_ptr<grpc::Server> server;
  int evaluation_port = 0;
  int sync_port = 0;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Stop(std::chrono::milliseconds(0)); }

base::Result<std::unique_ptr<Server>> Server::Start(app::Application& app, const ServerOptions& options,
                                                    Figures& figures) {
  if (options.tls_certificate.empty() != options.tls_key.empty())
    return base::Fail(base::ErrorCode::kInvalidArgument, "TLS needs both a certificate and its key.",
                      options.tls_key.empty() ? "flagd.tls_key" : "flagd.tls_certificate");
  static const bool kPlugins = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  static_cast<void>(kPlugins);
  auto impl = std::make_unique<Impl>(app, options, figures);
  grpc::ServerBuilder builder;
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (!options.tls_certificate.empty()) {
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({.private_key = options.tls_key, .cert_chain = options.tls_certificate});
    credentials = grpc::SslServerCredentials(tls);
  }
  // One server answers on both ports with all services: a provider that was pointed at the other port works too.
  builder.AddListeningPort(HostPort(options.address, options.evaluation_port), credentials, &impl->evaluation_port);
  builder.AddListeningPort(HostPort(options.address, options.sync_port), credentials, &impl->sync_port);
  if (!options.unix_socket.empty())
    builder.AddListeningPort("unix:" + options.unix_socket, grpc::InsecureServerCredentials());
  builder.SetMaxReceiveMessageSize(kRequestBytesMax);
  builder.SetMaxSendMessageSize(-1);  // definitions are as large as they are
  TolerateDefaultClients(builder);
  builder.RegisterService(impl->evaluation_v1.get());
  builder.RegisterService(impl->evaluation_v2.get());
  builder.RegisterService(&impl->sync);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || impl->evaluation_port == 0 || impl->sync_port == 0)
    return base::Fail(
        base::ErrorCode::kUnavailable,
        fmt::format("The flagd interfaces cannot listen on {} ports {} and {}{}: an address is in use, not "
                    "there, or the TLS files do not fit together.",
                    options.address, options.evaluation_port, options.sync_port,
                    options.unix_socket.empty() ? "" : " and " + options.unix_socket));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::evaluation_port() const { return static_cast<std::uint16_t>(impl_->evaluation_port); }
std::uint16_t Server::sync_port() const { return static_cast<std::uint16_t>(impl_->sync_port); }

void Server::Stop(std::chrono::milliseconds grace) {
  if (impl_->server == nullptr) return;
  impl_->hub.Stop();
  impl_->server->Shutdown(std::chrono::system_clock::now() + grace);
  impl_->server->Wait();
  impl_->server.reset();
}

}  // namespace guidon::api_grpc
