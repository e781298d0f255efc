// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/api_http/exchange.hpp"
#include "guidon/app/services.hpp"
#include "guidon/base/result.hpp"
#include "guidon/json/json.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/repositories.hpp"

// What management handlers share.
namespace guidon::api_http {

base::Result<model::Environment> EnvironmentOf(const Call& call);
base::Result<model::FlagKey> FlagKeyOf(const Call& call);

// The body as JSON; it must be an object. Errors: kMalformed, kInvalidArgument.
base::Result<model::Value> BodyOf(const Call& call);
// The same, deep enough for flags with expressions.
base::Result<model::Value> FlagBodyOf(const Call& call);

// `limit` (1 to 1000) and `cursor` of the query.
base::Result<store::PageRequest> PageOf(const Call& call);

// Names of `object` that are not in `known` are refused.
base::Status RefuseUnknown(const model::Object& object, std::initializer_list<std::string_view> known,
                           std::string_view parent = {});
// nullopt where it is absent. Error: kInvalidArgument where it is no string.
base::Result<std::optional<std::string>> StringOf(const model::Object& object, std::string_view name);

// An entity with its version as the entity tag, or 304.
Response EntityResponse(const Call& call, const model::Value& body, std::uint64_t version);
Response CreatedResponse(const Call& call, const model::Value& body, std::uint64_t version, std::string location);
void AddChange(Response& response, std::uint64_t sequence, bool replayed);
Response RemovedResponse(const app::Removed& removed);

template <class T, class Encode>
Response PageResponse(const store::Page<T>& page, Encode encode) {
  Response response;
  response.body = "{\"items\":[";
  bool first = true;
  for (const T& item : page.items) {
    if (!std::exchange(first, false)) response.body += ',';
    json::Append(response.body, encode(item));
  }
  response.body += ']';
  if (page.next_cursor) {
    response.body += ",\"nextCursor\":";
    json::AppendQuoted(response.body, *page.next_cursor);
  }
  response.body += '}';
  return response;
}

template <class T, class Encode>
Response ChangedResponse(const Call& call, const app::Changed<T>& changed, Encode encode) {
  Response response = EntityResponse(call, encode(changed.entity), changed.entity->version);
  AddChange(response, changed.sequence, changed.replayed);
  return response;
}

}  // namespace guidon::api_http
