// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <flagd/sync/v1/sync.grpc.pb.h>

#include "guidon/api_grpc/access.hpp"
#include "guidon/api_grpc/stream_hub.hpp"
#include "guidon/api_grpc/sync_source.hpp"

namespace guidon::api_grpc {

// flagd.sync.v1: whole definitions, for providers that evaluate in process.
class SyncService final : public ::flagd::sync::v1::FlagSyncService::WithRawCallbackMethod_SyncFlags<
                              ::flagd::sync::v1::FlagSyncService::WithCallbackMethod_FetchAllFlags<
                                  ::flagd::sync::v1::FlagSyncService::WithCallbackMethod_GetMetadata<
                                      ::flagd::sync::v1::FlagSyncService::Service>>> {
 public:
  SyncService(app::Application& app, const Gate& gate, StreamHub& hub);

  // Raw, so that all streams share the bytes of a message.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* SyncFlags(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* FetchAllFlags(grpc::CallbackServerContext* context,
                                          const ::flagd::sync::v1::FetchAllFlagsRequest* request,
                                          ::flagd::sync::v1::FetchAllFlagsResponse* response) override;
  grpc::ServerUnaryReactor* GetMetadata(grpc::CallbackServerContext* context,
                                        const ::flagd::sync::v1::GetMetadataRequest* request,
                                        ::flagd::sync::v1::GetMetadataResponse* response) override;

 private:
  const Gate& gate_;
  StreamHub& hub_;
  SyncSource source_;
};

}  // namespace guidon::api_grpc
