// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/handler_support.hpp"

#include <algorithm>
#include <charconv>

#include "guidon/api_http/text.hpp"
#include "guidon/model/limits.hpp"

namespace guidon::api_http {

using base::ErrorCode;
using base::Fail;
using base::Result;

Result<model::Environment> EnvironmentOf(const Call& call) { return model::Environment::Parse(call.path[0]); }
Result<model::FlagKey> FlagKeyOf(const Call& call) { return model::FlagKey::Parse(call.path[1]); }

namespace {

// An expression, and what is around it.
constexpr std::size_t kFlagBodyDepthMax = model::kTargetingDepthMax + 4;

Result<model::Value> ObjectOf(const Call& call, const json::ParseLimits& limits) {
  GUIDON_ASSIGN(model::Value value, json::Parse(call.body, limits));
  if (value.AsObject() == nullptr) return Fail(ErrorCode::kInvalidArgument, "the body must be a JSON object");
  return value;
}

}  // namespace

Result<model::Value> BodyOf(const Call& call) { return ObjectOf(call, {}); }
Result<model::Value> FlagBodyOf(const Call& call) { return ObjectOf(call, {.depth_max = kFlagBodyDepthMax}); }

Result<store::PageRequest> PageOf(const Call& call) {
  store::PageRequest page;
  if (const std::string* limit = call.query.Find("limit")) {
    const char* const end = limit->data() + limit->size();
    const auto [stop, error] = std::from_chars(limit->data(), end, page.limit);
    if (error != std::errc() || stop != end || page.limit < 1 || page.limit > store::kPageLimitMax)
      return Fail(ErrorCode::kInvalidArgument, "must be a whole number from 1 to 1000", "limit");
  }
  if (const std::string* cursor = call.query.Find("cursor")) {
    if (cursor->empty())
      return Fail(ErrorCode::kInvalidArgument, "must be the nextCursor of the page before", "cursor");
    page.cursor = *cursor;
  }
  return page;
}

base::Status RefuseUnknown(const model::Object& object, std::initializer_list<std::string_view> known,
                           std::string_view parent) {
  for (const auto& [name, value] : object) {
    if (std::ranges::find(known, name) == known.end())
      return Fail(ErrorCode::kInvalidArgument, "is not known here",
                  std::string(parent) + (parent.empty() ? "" : ".") + PrintableAscii(name, 64));
  }
  return {};
}

Result<std::optional<std::string>> StringOf(const model::Object& object, std::string_view name) {
  const model::Value* value = object.Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->AsString() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be a string", std::string(name));
  return std::optional<std::string>(*value->AsString());
}

Response EntityResponse(const Call& call, const model::Value& body, std::uint64_t version) {
  Response response;
  const std::string tag = '"' + std::to_string(version) + '"';
  response.headers.emplace_back("ETag", tag);
  if (call.route.method == Method::kGet && !call.if_none_match.empty() && IfNoneMatchHas(call.if_none_match, tag)) {
    response.status = 304;
    return response;
  }
  response.body = json::Write(body);
  return response;
}

Response CreatedResponse(const Call& call, const model::Value& body, std::uint64_t version, std::string location) {
  Response response = EntityResponse(call, body, version);
  response.status = 201;
  response.headers.emplace_back("Location", std::move(location));
  return response;
}

void AddChange(Response& response, std::uint64_t sequence, bool replayed) {
  response.headers.emplace_back("Guidon-Sequence", std::to_string(sequence));
  if (replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
}

Response RemovedResponse(const app::Removed& removed) {
  Response response{.status = 204};
  AddChange(response, removed.sequence, removed.replayed);
  return response;
}

}  // namespace guidon::api_http
