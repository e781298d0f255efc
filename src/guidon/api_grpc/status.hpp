// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/status.h>

#include "guidon/base/error.hpp"
#include "guidon/model/evaluation.hpp"

// The only place that maps errors to gRPC's statuses.
namespace guidon::api_grpc {

grpc::Status StatusOf(const base::Error& error);
// As flagd does, because its providers map them back: NOT_FOUND, INVALID_ARGUMENT (type), DATA_LOSS (definition).
// Precondition: not kNone.
grpc::Status StatusOf(model::EvaluationError error);

}  // namespace guidon::api_grpc
