// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/struct.pb.h>

#include "guidon/model/value.hpp"

namespace guidon::api_grpc {

// Whole numbers that a double holds exactly become integers, as they are in JSON.
model::Value ValueOf(const google::protobuf::Value& value);
model::Object ObjectOf(const google::protobuf::Struct& fields);
// `object` into `out`; integers become doubles, which is all that a Struct has.
void Fill(google::protobuf::Struct& out, const model::Object& object);

}  // namespace guidon::api_grpc
