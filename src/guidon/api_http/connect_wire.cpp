// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/connect_wire.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "guidon/json/json.hpp"
#include "guidon/library/explanation.hpp"

namespace guidon::api_http {
namespace {

using base::ErrorCode;
using base::Fail;
using flagd_service::Kind;

// An envelope is a byte of flags, the message's length as four bytes with the highest first, and the message.
constexpr std::size_t kEnvelopeBytes = 5;
constexpr char kNoFlags = 0;
constexpr char kCompressed = 1;
constexpr char kEnd = 2;
constexpr unsigned kByteBits = 8;
constexpr std::size_t kTimeoutDigitsMax = 10;

std::string Enveloped(char flags, std::string_view message) {
  std::string out;
  out.reserve(kEnvelopeBytes + message.size());
  out += flags;
  const auto size = static_cast<std::uint32_t>(message.size());
  for (unsigned shift = 4 * kByteBits; shift > 0; shift -= kByteBits)
    out += static_cast<char>((size >> (shift - kByteBits)) & 0xffU);
  out += message;
  return out;
}

base::Result<model::Object> ReadObject(std::string_view text) {
  GUIDON_ASSIGN(model::Value document, json::Parse(text));
  if (document.MutableObject() == nullptr) return Fail(ErrorCode::kInvalidArgument, "the message must be an object");
  return std::move(*document.MutableObject());
}

// Variant, reason and metadata, after the value.
void AppendRest(std::string& out, const eval::Evaluation& evaluation) {
  if (evaluation.variation != nullptr) {
    out += "\"variant\":";
    json::AppendQuoted(out, evaluation.variation->name);
    out += ',';
  }
  out += "\"reason\":\"";
  out += model::NameOf(evaluation.reason);
  out += '"';
  if (library::HasMetadata(evaluation)) {
    out += ",\"metadata\":{";
    library::AppendMetadata(out, evaluation);
    out += '}';
  }
  out += '}';
}

std::string_view AnyNameOf(const model::Value& value) {
  if (value.AsBool() != nullptr) return "boolValue";
  if (value.AsString() != nullptr) return "stringValue";
  return value.AsObject() != nullptr ? "objectValue" : "doubleValue";
}

}  // namespace

base::Result<FlagdRequest> ReadFlagdRequest(std::string_view body) {
  GUIDON_ASSIGN(const model::Object members, ReadObject(body));
  FlagdRequest request;
  // The JSON of Protocol Buffers takes both spellings of a name, and null for what is not there.
  for (const std::string_view name : {"flagKey", "flag_key"}) {
    const model::Value* key = members.Find(name);
    if (key == nullptr || key->IsNull()) continue;
    if (key->AsString() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be a string", std::string(name));
    if (!request.flag_key.empty()) return Fail(ErrorCode::kInvalidArgument, "is there twice", std::string(name));
    request.flag_key = *key->AsString();
  }
  if (const model::Value* context = members.Find("context"); context != nullptr && !context->IsNull()) {
    if (context->AsObject() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be an object", "context");
    request.context = *context->AsObject();
  }
  return request;
}

base::Status CheckStreamRequest(std::string_view body) {
  if (body.size() < kEnvelopeBytes)
    return Fail(ErrorCode::kMalformed, "The body of a stream's request is one message in an envelope of five bytes.");
  if (body.front() == kCompressed)
    return Fail(ErrorCode::kUnsupported, "Messages must not be compressed.", "Connect-Content-Encoding");
  std::size_t size = 0;
  for (const char byte : body.substr(1, kEnvelopeBytes - 1))
    size = (size << kByteBits) | static_cast<unsigned char>(byte);
  body.remove_prefix(kEnvelopeBytes);
  if (size != body.size()) return Fail(ErrorCode::kMalformed, "The message is not as long as its envelope says.");
  GUIDON_TRY(ReadObject(body));
  return {};
}

base::Result<std::chrono::milliseconds> ParseConnectTimeout(std::string_view text) {
  std::int64_t number = 0;
  const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (text.empty() || text.size() > kTimeoutDigitsMax || !digits)
    return Fail(ErrorCode::kInvalidArgument, "must be 1 to 10 digits: milliseconds", "Connect-Timeout-Ms");
  std::from_chars(text.data(), text.data() + text.size(), number);
  return std::chrono::milliseconds(number);
}

void AppendAnswer(std::string& out, Kind kind, const eval::Evaluation& evaluation) {
  out += '{';
  if (evaluation.variation != nullptr) {
    out += "\"value\":";
    const model::Value& value = evaluation.variation->value;
    if (kind == Kind::kInt) {
      json::AppendQuoted(out, std::to_string(*flagd_service::IntegerOf(value)));
    } else {
      json::Append(out, value);
    }
    out += ',';
  }
  AppendRest(out, evaluation);
}

void AppendAnyFlag(std::string& out, const eval::Evaluation& evaluation) {
  out += '{';
  if (evaluation.variation != nullptr) {
    out += '"';
    out += AnyNameOf(evaluation.variation->value);
    out += "\":";
    json::Append(out, evaluation.variation->value);
    out += ',';
  }
  AppendRest(out, evaluation);
}

void AppendFailure(std::string& out, const flagd_service::Failure& failure) {
  out += "{\"code\":\"";
  out += flagd_service::NameOf(failure.code);
  out += "\",\"message\":";
  json::AppendQuoted(out, failure.text);
  out += '}';
}

std::string FlagdEvent(std::string_view type, const model::Object& data) {
  std::string message = "{\"type\":";
  json::AppendQuoted(message, type);
  if (!data.empty()) {
    message += ",\"data\":";
    json::Append(message, data);
  }
  message += '}';
  return Enveloped(kNoFlags, message);
}

std::string EndOfStream(const flagd_service::Failure& failure) {
  std::string message = "{\"error\":";
  AppendFailure(message, failure);
  message += '}';
  return Enveloped(kEnd, message);
}

}  // namespace guidon::api_http
