// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <google/protobuf/struct.pb.h>

#include "guidon/base/result.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/value.hpp"

namespace guidon::api_grpc {

// Whole numbers that a double holds exactly become integers, as they are in JSON.
model::Value ValueOf(const google::protobuf::Value& value);
// `object` into `out`; integers become doubles, which is all that a Struct has.
void Fill(google::protobuf::Struct& out, const model::Object& object);

// An evaluation context. `tenant`: what tenantId is where the context names none; naming another is refused; "" = any.
// Errors: kInvalidArgument, kTooLarge naming the attribute; kPermissionDenied (another tenant).
base::Result<model::Context> ContextOf(const google::protobuf::Struct& fields, std::string_view tenant);

}  // namespace guidon::api_grpc
