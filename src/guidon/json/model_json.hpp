// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"
#include "guidon/model/value.hpp"

// Domain values ↔ JSON documents, with the attribute names of spec 2. Functions named XFromJson check shape and types
// and refuse unknown names with the JSON path of what is wrong (kInvalidArgument); what a valid entity is, X::Create
// decides. XFromJson(XToJson(x)) gives x back.
namespace guidon::json {

// What the surroundings of a document already say: names in it must agree.
struct DocumentScope {
  std::string environment = {};  // "" = the document decides
  std::string key = {};          // flag, segment or tenant key from the path; "" = the document decides
};

// Attributes that only the server sets (version, createdAt, updatedAt, updatedBy, schema) are read when present: the
// use cases overwrite them. `tenantOverrides` is read too.
base::Result<model::FlagFields> FlagFromJson(const model::Value& document, const DocumentScope& scope);
model::Value FlagToJson(const model::Flag& flag);

base::Result<model::SegmentFields> SegmentFromJson(const model::Value& document, const DocumentScope& scope);
model::Value SegmentToJson(const model::Segment& segment);

// Whole lists of a segment, {"included": […], "excluded": […]}, either of which may be left out: as many keys as a
// segment may have, straight from text. Errors: kMalformed, kTooLarge, kInvalidArgument naming the list and position.
struct SegmentKeyLists {
  std::optional<std::vector<std::string>> included = std::nullopt;
  std::optional<std::vector<std::string>> excluded = std::nullopt;
};
base::Result<SegmentKeyLists> SegmentKeysFromJson(std::string_view text, std::size_t bytes_max);

base::Result<model::TenantFields> TenantFromJson(const model::Value& document, const DocumentScope& scope);
model::Value TenantToJson(const model::Tenant& tenant);

// {"environment","flagKey","tenantId","variation","version","updatedAt","updatedBy"}
model::Value OverrideToJson(const model::Override& override);
base::Result<model::OverrideFields> OverrideFromJson(const model::Value& document);

// {"environment","scope","reason","engagedAt","engagedBy","version"}
model::Value KillSwitchToJson(const model::KillSwitch& kill_switch);
base::Result<model::KillSwitchFields> KillSwitchFromJson(const model::Value& document);

// Without the hash: what management answers show. {"keyId","kind","name","environment","tenantId","createdAt",
// "createdBy","updatedAt","updatedBy","expiresAt","revokedAt","replacedBy","lastUsedAt","version"}
model::Value ApiKeyToJson(const model::ApiKey& key);

// What a client asks for when it makes a key: {"kind","name"?,"environment"?,"tenantId"?,"expiresAt"?}.
base::Result<model::ApiKeyFields> ApiKeyRequestFromJson(const model::Value& document);

// Parts that the store keeps as JSON-shaped values too.
model::Value ConditionsToJson(const model::ConditionGroup& group);
base::Result<model::ConditionGroup> ConditionsFromJson(const model::Value& value, std::string_view field);
model::Value RuleToJson(const model::Rule& rule);
base::Result<model::Rule> RuleFromJson(const model::Value& value, std::string_view field);
model::Value PrerequisiteToJson(const model::Prerequisite& prerequisite);
base::Result<model::Prerequisite> PrerequisiteFromJson(const model::Value& value, std::string_view field);

// The object behind "context" in an OFREP body: "targetingKey" and "tenantId" are strings, all else attributes.
// Errors: kInvalidArgument naming the attribute.
base::Result<model::Context> ContextFromJson(const model::Value& value);

// An OFREP request body: {"context": {…}}; "context" may be left out, other names are ignored as OFREP asks.
// Errors: kMalformed, kTooLarge, kInvalidArgument.
base::Result<model::Context> ContextFromOfrepBody(std::string_view body);

}  // namespace guidon::json
