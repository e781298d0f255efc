// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/entities.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "guidon/model/checks.hpp"
#include "guidon/model/field_path.hpp"
#include "guidon/model/limits.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

constexpr std::size_t kSecretHashDigits = 64;  // 256 bits in hex

Status CheckSegmentMember(std::string_view key) {
  if (key.empty()) return Fail(ErrorCode::kInvalidArgument, "must not be empty");
  if (key.size() > kTargetingKeyBytesMax)
    return Fail(ErrorCode::kTooLarge, "is " + std::to_string(key.size()) + " bytes long; at most " +
                                          std::to_string(kTargetingKeyBytesMax) + " are allowed");
  if (!checks::IsUtf8(key)) return Fail(ErrorCode::kInvalidArgument, "is not valid UTF-8");
  return {};
}

Status CheckSegmentTotal(const SegmentFields& fields) {
  if (fields.kept_apart && (!fields.included.empty() || !fields.excluded.empty()))
    return Fail(ErrorCode::kInvalidArgument, "must be left out where the keys themselves are given", "includedCount");
  const std::size_t bytes = SegmentKeyTextBytes(fields.included) + SegmentKeyTextBytes(fields.excluded);
  if (bytes <= kSegmentKeyTextBytesMax) return {};
  return Fail(ErrorCode::kTooLarge,
              "holds keys of " + std::to_string(bytes) + " bytes together with the excluded ones; at most " +
                  std::to_string(kSegmentKeyTextBytesMax) + " are allowed",
              "included");
}

// Segments that refer to segments could form cycles and make one evaluation arbitrarily long.
Status RefuseSegments(const ConditionGroup& group) {
  for (std::size_t i = 0; i < group.children.size(); ++i) {
    Status status;
    if (const auto* child = std::get_if<ConditionGroup>(&group.children[i])) {
      status = RefuseSegments(*child);
    } else if (std::get<Condition>(group.children[i]).op == Operator::kInSegment) {
      status =
          Fail(ErrorCode::kInvalidArgument, "must not be inSegment in a segment: segments do not nest", "operator");
    }
    GUIDON_TRY(At(NameOf(group.kind), i, std::move(status)));
  }
  return {};
}

Status CheckChange(std::uint64_t version, base::Timestamp updated_at, std::string_view updated_by) {
  GUIDON_TRY(checks::Version(version));
  GUIDON_TRY(checks::Time(updated_at, "updatedAt"));
  return checks::Line(updated_by, kActorBytesMax, "updatedBy");
}

Status CheckSecretHash(std::string_view hash) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (hash.size() == kSecretHashDigits && std::ranges::all_of(hash, is_hex)) return {};
  return Fail(ErrorCode::kInvalidArgument, "must be 64 hexadecimal digits", "secretHash");
}

Status CheckKeyEnvironment(const ApiKeyFields& key) {
  if (key.environment) return EnvironmentRule::Check(*key.environment, EnvironmentRule::kField);
  if (key.kind == KeyKind::kAdmin) return {};
  return Fail(ErrorCode::kInvalidArgument, "must be given: server and client keys belong to one environment",
              "environment");
}

Status CheckKeyTimes(const ApiKeyFields& key) {
  GUIDON_TRY(checks::Time(key.created_at, "createdAt"));
  GUIDON_TRY(checks::Time(key.expires_at, "expiresAt"));
  GUIDON_TRY(checks::Time(key.revoked_at, "revokedAt"));
  return checks::Time(key.last_used_at, "lastUsedAt");
}

}  // namespace

Status CheckSegmentKeys(std::vector<std::string>& keys, std::string_view field) {
  if (keys.size() > kSegmentKeysMax)
    return Fail(
        ErrorCode::kTooLarge,
        "holds " + std::to_string(keys.size()) + " keys; at most " + std::to_string(kSegmentKeysMax) + " are allowed",
        std::string(field));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (auto status = CheckSegmentMember(keys[i]); !status) return At(field, i, std::move(status));
  }
  if (!std::ranges::is_sorted(keys)) std::ranges::sort(keys);
  const auto twins = std::ranges::unique(keys);
  keys.erase(twins.begin(), twins.end());
  return {};
}

std::size_t SegmentKeyTextBytes(const std::vector<std::string>& keys) {
  std::size_t bytes = keys.size();
  for (const std::string& key : keys) bytes += key.size();
  return bytes;
}

Result<Segment> Segment::Create(SegmentFields fields) {
  GUIDON_TRY(SegmentKeyRule::Check(fields.segment_key, SegmentKeyRule::kField));
  GUIDON_TRY(EnvironmentRule::Check(fields.environment, EnvironmentRule::kField));
  GUIDON_TRY(checks::Prose(fields.description, kDescriptionBytesMax, "description"));
  GUIDON_TRY(CheckSegmentKeys(fields.included, "included"));
  GUIDON_TRY(CheckSegmentKeys(fields.excluded, "excluded"));
  GUIDON_TRY(CheckSegmentTotal(fields));
  if (fields.when) {
    GUIDON_TRY(CheckConditions(*fields.when, "when"));
    GUIDON_TRY(At("when", RefuseSegments(*fields.when)));
  }
  GUIDON_TRY(checks::Time(fields.created_at, "createdAt"));
  GUIDON_TRY(CheckChange(fields.version, fields.updated_at, fields.updated_by));
  return Segment(std::move(fields));
}

Result<Override> Override::Create(OverrideFields fields) {
  GUIDON_TRY(EnvironmentRule::Check(fields.environment, EnvironmentRule::kField));
  GUIDON_TRY(FlagKeyRule::Check(fields.flag_key, FlagKeyRule::kField));
  GUIDON_TRY(TenantIdRule::Check(fields.tenant_id, TenantIdRule::kField));
  GUIDON_TRY(VariationNameRule::Check(fields.variation, VariationNameRule::kField));
  GUIDON_TRY(CheckChange(fields.version, fields.updated_at, fields.updated_by));
  return Override(std::move(fields));
}

Result<KillScope> KillScope::Parse(std::string_view text, std::string_view field) {
  if (text == "global") return KillScope(Kind::kGlobal, "");
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view kind = text.substr(0, colon);
    const std::string_view id = text.substr(colon + 1);
    if (kind == "flag") return Create(Kind::kFlag, id, field);
    if (kind == "tenant") return Create(Kind::kTenant, id, field);
    if (kind == "owner") return Create(Kind::kOwner, id, field);
  }
  return Fail(ErrorCode::kInvalidArgument, "must be global, flag:KEY, tenant:ID or owner:NAME", std::string(field));
}

Result<KillScope> KillScope::Create(Kind kind, std::string_view id, std::string_view field) {
  switch (kind) {
    case Kind::kGlobal:
      if (!id.empty()) return Fail(ErrorCode::kInvalidArgument, "global names nothing else", std::string(field));
      break;
    case Kind::kFlag: GUIDON_TRY(FlagKeyRule::Check(id, field)); break;
    case Kind::kTenant: GUIDON_TRY(TenantIdRule::Check(id, field)); break;
    case Kind::kOwner: GUIDON_TRY(OwnerRule::Check(id, field)); break;
  }
  return KillScope(kind, std::string(id));
}

std::string KillScope::Text() const {
  switch (kind_) {
    case Kind::kGlobal: return "global";
    case Kind::kFlag: return "flag:" + id_;
    case Kind::kTenant: return "tenant:" + id_;
    case Kind::kOwner: return "owner:" + id_;
  }
  return {};
}

Result<KillSwitch> KillSwitch::Create(KillSwitchFields fields) {
  GUIDON_TRY(EnvironmentRule::Check(fields.environment, EnvironmentRule::kField));
  if (fields.reason.empty())
    return Fail(ErrorCode::kInvalidArgument, "must say why, for whoever finds it engaged", "reason");
  GUIDON_TRY(checks::Prose(fields.reason, kReasonBytesMax, "reason"));
  GUIDON_TRY(checks::Version(fields.version));
  GUIDON_TRY(checks::Time(fields.engaged_at, "engagedAt"));
  GUIDON_TRY(checks::Line(fields.engaged_by, kActorBytesMax, "engagedBy"));
  return KillSwitch(std::move(fields));
}

Result<Tenant> Tenant::Create(TenantFields fields) {
  GUIDON_TRY(TenantIdRule::Check(fields.tenant_id, TenantIdRule::kField));
  GUIDON_TRY(checks::Line(fields.name, kNameBytesMax, "name"));
  GUIDON_TRY(checks::Line(fields.plan, kPlanBytesMax, "plan"));
  GUIDON_TRY(checks::Time(fields.created_at, "createdAt"));
  GUIDON_TRY(CheckChange(fields.version, fields.updated_at, fields.updated_by));
  return Tenant(std::move(fields));
}

std::string_view NameOf(KeyKind kind) {
  switch (kind) {
    case KeyKind::kAdmin: return "admin";
    case KeyKind::kServer: return "server";
    case KeyKind::kClient: return "client";
  }
  return "unknown";
}

std::optional<KeyKind> KeyKindFromName(std::string_view name) {
  for (const KeyKind kind : {KeyKind::kAdmin, KeyKind::kServer, KeyKind::kClient})
    if (NameOf(kind) == name) return kind;
  return std::nullopt;
}

Result<ApiKey> ApiKey::Create(ApiKeyFields fields) {
  GUIDON_TRY(KeyIdRule::Check(fields.key_id, KeyIdRule::kField));
  if (NameOf(fields.kind) == "unknown") return Fail(ErrorCode::kInvalidArgument, "is not known", "kind");
  GUIDON_TRY(checks::Line(fields.name, kNameBytesMax, "name"));
  GUIDON_TRY(CheckKeyEnvironment(fields));
  if (fields.tenant_id) GUIDON_TRY(TenantIdRule::Check(*fields.tenant_id, TenantIdRule::kField));
  GUIDON_TRY(CheckSecretHash(fields.secret_hash));
  GUIDON_TRY(CheckKeyTimes(fields));
  if (fields.replaced_by) GUIDON_TRY(KeyIdRule::Check(*fields.replaced_by, "replacedBy"));
  GUIDON_TRY(checks::Line(fields.created_by, kActorBytesMax, "createdBy"));
  GUIDON_TRY(CheckChange(fields.version, fields.updated_at, fields.updated_by));
  return ApiKey(std::move(fields));
}

}  // namespace guidon::model
