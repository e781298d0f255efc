// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/status.hpp"

namespace guidon::api_grpc {

grpc::Status StatusOf(const flagd_service::Failure& failure) {
  return {static_cast<grpc::StatusCode>(failure.code), failure.text};  // the numbers are gRPC's
}

grpc::Status StatusOf(const base::Error& error) { return StatusOf(flagd_service::FailureOf(error)); }

}  // namespace guidon::api_grpc
