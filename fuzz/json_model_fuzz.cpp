// SPDX-License-Identifier: Apache-2.0
// Bytes → JSON value → domain values and back. Whatever is accepted must survive the way out and in again unchanged.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/base/text.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"

namespace guidon {
namespace {

// Not assert: it must also hold in optimised builds.
void Require(bool holds) {
  if (!holds) std::abort();
}

// An error is for people and logs: always text, and it says something.
void RequireReadable(const base::Error& error) {
  Require(!error.message.empty());
  Require(base::IsUtf8(error.message) && base::IsUtf8(error.field));
}

model::Value Reparsed(const model::Value& value) {
  const auto again = json::Parse(json::Write(value));
  Require(again.has_value());
  return *again;
}

template <class Entity, class FromJson, class ToJson>
void CheckEntity(const model::Value& document, FromJson from_json, ToJson to_json) {
  auto fields = from_json(document);
  if (!fields) return RequireReadable(fields.error());
  const auto entity = Entity::Create(*std::move(fields));
  if (!entity) return RequireReadable(entity.error());
  auto again = from_json(Reparsed(to_json(*entity)));
  Require(again.has_value());
  const auto copy = Entity::Create(*std::move(again));
  Require(copy.has_value());
  Require(*copy == *entity);
}

void CheckContext(std::string_view text, const model::Value& document) {
  const auto direct = json::ContextFromOfrepBody(text);
  if (!direct) return RequireReadable(direct.error());
  const model::Object* body = document.AsObject();
  Require(body != nullptr);
  const model::Value* member = body->Find("context");
  if (member == nullptr) return;
  const auto by_value = json::ContextFromJson(*member);
  Require(by_value.has_value());
  Require(by_value->attributes() == direct->attributes());
}

void Check(std::string_view text) {
  const auto document = json::Parse(text);
  if (!document) return RequireReadable(document.error());
  Require(Reparsed(*document) == *document);
  CheckEntity<model::Flag>(
      *document, [](const auto& value) { return json::FlagFromJson(value, {}); }, json::FlagToJson);
  CheckEntity<model::Segment>(
      *document, [](const auto& value) { return json::SegmentFromJson(value, {}); }, json::SegmentToJson);
  CheckEntity<model::Tenant>(
      *document, [](const auto& value) { return json::TenantFromJson(value, {}); }, json::TenantToJson);
  CheckEntity<model::Override>(*document, json::OverrideFromJson, json::OverrideToJson);
  CheckEntity<model::KillSwitch>(*document, json::KillSwitchFromJson, json::KillSwitchToJson);
  CheckContext(text, *document);
  Require(json::MergePatch(*document, *document) ==
          json::MergePatch(json::MergePatch(*document, *document), *document));
}

}  // namespace
}  // namespace guidon

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  guidon::Check(std::string_view(reinterpret_cast<const char*>(data), size));  // NOLINT
  return 0;
}
