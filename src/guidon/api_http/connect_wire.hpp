// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/flagd_service/answers.hpp"
#include "guidon/flagd_service/status.hpp"
#include "guidon/model/value.hpp"

// The bytes of Connect (connectrpc.com, "Protocol reference") with JSON: messages of flagd.evaluation in the JSON of
// Protocol Buffers. Versions 1 and 2 of flagd's interface have the same JSON.
namespace guidon::api_http {

// {"flagKey", "context"}; ResolveAll has no key. Members that are not known are ignored, as Connect's servers do.
struct FlagdRequest {
  std::string flag_key;
  model::Object context;
};
// Errors: kMalformed, kTooLarge, kInvalidArgument naming the member.
base::Result<FlagdRequest> ReadFlagdRequest(std::string_view body);

// The one message of a stream's request, enveloped; a stream asks for nothing, so it is short. Errors: kMalformed,
// kUnsupported (compressed).
inline constexpr std::size_t kStreamRequestBytesMax = 1024;
base::Status CheckStreamRequest(std::string_view body);

// Connect-Timeout-Ms: 1 to 10 digits. Error: kInvalidArgument.
base::Result<std::chrono::milliseconds> ParseConnectTimeout(std::string_view text);

// {"value","variant","reason","metadata"}. Precondition: the value fits. 64-bit integers are texts in this JSON.
void AppendAnswer(std::string& out, flagd_service::Kind kind, const eval::Evaluation& evaluation);
// The same in a bulk answer, where the member's name says the type: {"boolValue", …}.
void AppendAnyFlag(std::string& out, const eval::Evaluation& evaluation);
// {"code","message"}
void AppendFailure(std::string& out, const flagd_service::Failure& failure);

// One message of a stream: {"type","data"}; data is left out where it is empty.
std::string FlagdEvent(std::string_view type, const model::Object& data = {});
// The last message of a stream.
std::string EndOfStream(const flagd_service::Failure& failure);

}  // namespace guidon::api_http
