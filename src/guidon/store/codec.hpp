// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/attribute.hpp"
#include "guidon/store/records.hpp"
#include "guidon/store/segment_keys.hpp"

// Domain values and records ↔ items, attribute by attribute as spec 2 names them, keys and index keys included.
//
// EncodeX cannot fail; whether the item fits the table is ValidateItem's to say. DecodeX(EncodeX(x)) is x.
// DecodeX trusts nothing: the key says whose item it is, and an attribute that contradicts it is an error, so that no
// hand-edited item can pass for another tenant's, environment's or flag's. Attributes nobody knows are ignored, and
// absent when we write the item again. Errors: kCorrupt with the attribute's path; kUnsupported for a layout of a newer
// version or the `targeting` attribute.
namespace guidon::store {

// JSON-shaped values: null, boolean, number, string, list, object are NULL, BOOL, N, S, L, M. Integers stay exact,
// other numbers take the shortest text that reads back equal.
AttributeValue AttributeOf(const model::Value& value);
// Error: kCorrupt below `field` for the types JSON has not (B, SS).
base::Result<model::Value> ValueOf(const AttributeValue& attribute, std::string_view field);

// A plain item of another program (spec 2, "Flag item") is a flag with version 0.
Item EncodeFlag(const model::Flag& flag);
base::Result<model::Flag> DecodeFlag(const Item& item);
// When the flag of a flag item was created, even where the rest of the item is unreadable; nothing where that is.
std::optional<base::Timestamp> CreatedAtOf(const Item& flag_item);

// An override counts only for the incarnation of its flag that it was made for; one without `flagCreatedAt` (another
// program's) counts for any.
struct StoredOverride {
  model::Override override;
  std::optional<base::Timestamp> flag_created_at = std::nullopt;
};
Item EncodeOverride(const model::Override& override, base::Timestamp flag_created_at);
base::Result<StoredOverride> DecodeOverride(const Item& item);

// Of a segment whose keys are kept apart, `included` and `excluded` are maps {count, digest, parts} in place of lists,
// so that whoever knows only lists finds it unreadable rather than empty.
Item EncodeSegment(const SegmentHead& segment);
base::Result<SegmentHead> DecodeSegment(const Item& item);

// Whoever engaged it and however the rest of the item looks: an item under the key of a kill switch is an engaged kill
// switch (fail safe). Error: kCorrupt only where the key names no scope.
Item EncodeKillSwitch(const model::KillSwitch& kill_switch);
base::Result<model::KillSwitch> DecodeKillSwitch(const Item& item);

Item EncodeTenant(const model::Tenant& tenant);
base::Result<model::Tenant> DecodeTenant(const Item& item);

Item EncodeApiKey(const model::ApiKey& key);
base::Result<model::ApiKey> DecodeApiKey(const Item& item);

// Text in an audit entry comes from clients (user agent, path): it is cut to kAuditTextBytesMax and cleaned of what is
// not UTF-8 or not printable, so that no request can keep itself out of the audit. Where `before` and `after` do not
// fit in one item together, `before` says so instead: it is what the entry before this one has as `after`.
inline constexpr std::size_t kAuditTextBytesMax = 1024;
inline constexpr std::size_t kAuditStatesBytesMax = 384UL * 1024;  // leaves 16 KB of the item for all else
inline constexpr std::size_t kAuditKeyPartBytesMax = 512;          // of text that becomes part of a key
std::string CleanAuditText(std::string_view text);
std::string AuditKeyPart(std::string_view text);  // what keys of audit entries hold of `text`
Key KeyOf(const AuditRecord& record);
Item EncodeAudit(const AuditRecord& record);
base::Result<AuditRecord> DecodeAudit(const Item& item);

Item EncodeChange(const ChangeRecord& record);
base::Result<ChangeRecord> DecodeChange(const Item& item);
Item EncodeChangeHead(std::string_view scope, const LogHead& head);
// What it says of the chain may be unreadable: that keeps nobody from writing, and verifying finds it.
base::Result<LogHead> DecodeChangeHead(const Item& item);

// `kept` goes into `ttl` and is not read back.
Item EncodeNode(const NodeRecord& record);
base::Result<NodeRecord> DecodeNode(const Item& item);
Item EncodeIdempotency(const IdempotencyRecord& record);
base::Result<IdempotencyRecord> DecodeIdempotency(const Item& item);

// Names in the record must be valid.
Item EncodeEvaluation(const EvaluationLogRecord& record);
base::Result<EvaluationLogRecord> DecodeEvaluation(const Item& item);
base::Result<AbTestRecord> DecodeAbTest(const Item& item);
base::Result<AbAssignmentRecord> DecodeAbAssignment(const Item& item);

}  // namespace guidon::store
