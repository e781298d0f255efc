// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/status.h>

#include "guidon/base/error.hpp"
#include "guidon/flagd_service/status.hpp"

namespace guidon::api_grpc {

grpc::Status StatusOf(const flagd_service::Failure& failure);
grpc::Status StatusOf(const base::Error& error);

}  // namespace guidon::api_grpc
