// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <grpcpp/impl/service_type.h>

#include "guidon/api_grpc/access.hpp"
#include "guidon/api_grpc/stream_hub.hpp"

namespace guidon::api_grpc {

// flagd.evaluation.v1 and v2: the server evaluates. All three arguments outlive the service.
std::unique_ptr<grpc::Service> EvaluationServiceV1(app::Application& app, const Gate& gate, StreamHub& hub);
std::unique_ptr<grpc::Service> EvaluationServiceV2(app::Application& app, const Gate& gate, StreamHub& hub);

}  // namespace guidon::api_grpc
