// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/sync_service.hpp"

#include <chrono>
#include <utility>

#include "guidon/api_grpc/event_stream.hpp"
#include "guidon/api_grpc/status.hpp"
#include "guidon/api_grpc/values.hpp"
#include "guidon/base/log.hpp"

namespace guidon::api_grpc {
namespace {

// After the store did not answer: the stream goes on with what it has, and looks again.
constexpr std::chrono::seconds kRetryInterval{1};

class SyncStream : public WritingStream<grpc::ByteBuffer> {
 public:
  SyncStream(const Gate& gate, StreamHub& hub, SyncSource& source, Caller caller)
      : WritingStream<grpc::ByteBuffer>(hub, caller,
                                        hub.app().snapshots().FeedOf(caller.environment)->position().served),
        gate_(gate),
        source_(source),
        caller_(std::move(caller)) {}

  void Poll() override {
    if (!idle() || std::chrono::steady_clock::now() < not_before_) return;
    auto payload = source_.Current(caller_.environment, caller_.tenant);
    if (!payload) {
      base::Log(base::LogLevel::kWarn, "definitions for flagd not read",
                {{"environment", std::string_view(caller_.environment)},
                 {"error", std::string_view(payload.error().message)}});
      if (sent_ == nullptr) return End(StatusOf(payload.error()));
      not_before_ = std::chrono::steady_clock::now() + kRetryInterval;
      return;
    }
    if (*payload == sent_) return Sent(source_.SequenceOf(caller_.environment));
    sent_ = *std::move(payload);
    hub().figures().sync_messages.fetch_add(1, std::memory_order_relaxed);
    Send(&sent_->message);
  }
  void Tick() override {
    if (!gate_.Holds(caller_)) End(StatusOf(flagd_service::KeyEnded()));
  }

 private:
  const Gate& gate_;
  SyncSource& source_;
  const Caller caller_;
  std::shared_ptr<const SyncPayload> sent_;  // alive while it is being written
  std::chrono::steady_clock::time_point not_before_ = {};
};

template <class Request>
bool Parse(const grpc::ByteBuffer& bytes, Request& request) {
  grpc::ByteBuffer copy = bytes;  // the parser empties it; the bytes are shared
  return grpc::SerializationTraits<Request>::Deserialize(&copy, &request).ok();
}

}  // namespace

SyncService::SyncService(app::Application& app, const Gate& gate, StreamHub& hub)
    : gate_(gate), hub_(hub), source_(app, hub.figures()) {
  hub_.OnTick([this] { source_.DropUnused(); });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* SyncService::SyncFlags(grpc::CallbackServerContext* context,
                                                                   const grpc::ByteBuffer* request) {
  ::flagd::sync::v1::SyncFlagsRequest parsed;
  if (!Parse(*request, parsed))
    return SyncStream::Refuse({grpc::StatusCode::INVALID_ARGUMENT, "The request is no SyncFlagsRequest."});
  auto caller = gate_.Admit(*context, Purpose::kDefinitions, parsed.selector());
  if (!caller) return SyncStream::Refuse(StatusOf(caller.error()));
  const auto stream = std::make_shared<SyncStream>(gate_, hub_, source_, *std::move(caller));
  SyncStream::Begin(stream);
  return stream.get();
}

grpc::ServerUnaryReactor* SyncService::FetchAllFlags(grpc::CallbackServerContext* context,
                                                     const ::flagd::sync::v1::FetchAllFlagsRequest* request,
                                                     ::flagd::sync::v1::FetchAllFlagsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto caller = gate_.Admit(*context, Purpose::kDefinitions, request->selector());
  if (!caller) {
    reactor->Finish(StatusOf(caller.error()));
    return reactor;
  }
  hub_.Post([this, reactor, response, caller = *std::move(caller)] {
    const auto payload = source_.Current(caller.environment, caller.tenant);
    if (payload) response->set_flag_configuration((*payload)->json);
    reactor->Finish(payload ? grpc::Status::OK : StatusOf(payload.error()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* SyncService::GetMetadata(grpc::CallbackServerContext* context,
                                                   const ::flagd::sync::v1::GetMetadataRequest*,
                                                   ::flagd::sync::v1::GetMetadataResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto caller = gate_.Admit(*context, Purpose::kDefinitions);
  if (caller) {
    model::Object metadata;
    metadata.Set("environment", caller->environment);
    if (!caller->tenant.empty()) metadata.Set("tenantId", caller->tenant);
    Fill(*response->mutable_metadata(), metadata);
  }
  reactor->Finish(caller ? grpc::Status::OK : StatusOf(caller.error()));
  return reactor;
}

}  // namespace guidon::api_grpc
