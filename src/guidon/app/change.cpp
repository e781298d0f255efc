// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/change.hpp"

#include <algorithm>

#include "guidon/app/crypto.hpp"
#include "guidon/base/text.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;

constexpr std::size_t kIdempotencyKeyCharactersMax = 255;
// A result that was too large to keep: no entity's JSON is this.
constexpr std::string_view kNotKept = "null";

// Lengths in front, so that no two different lists of parts are the same text.
std::string Fingerprint(std::string_view action, std::string_view resource, std::string_view body) {
  std::string text;
  for (const std::string_view part : {action, resource, body}) {
    text += std::to_string(part.size());
    text += ':';
    text += part;
  }
  return base::ToHex(Sha256(text));
}

// JSON that we wrote ourselves may be as large as an item, and is never nested deeper than what was let in.
base::Result<model::Value> ParseStored(std::string_view text) {
  return json::Parse(text, {.bytes_max = 2 * kKeptResultBytesMax, .depth_max = model::kTargetingDepthMax + 8});
}

std::uint64_t VersionOf(const store::Item& item) {
  const auto* version = item.Find("version");
  if (version == nullptr || version->AsNumber() == nullptr) return 0;  // another program's item
  const auto number = version->AsNumber()->AsInt64();
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

}  // namespace

std::string AuditResourceOf(std::string_view entity, std::string_view resource) {
  if (entity == "flag" || entity == "override") return std::string(resource);
  return std::string(entity) + ":" + std::string(resource);
}

store::AuditRecord AuditOf(const RequestInfo& request, const ChangeNote& note) {
  return {.request_id = request.request_id,
          .actor_id = request.principal.id,
          .actor_kind = std::string(NameOf(request.principal.kind)),
          .actor_tenant = request.principal.tenant_id,
          .address = request.address,
          .user_agent = request.user_agent,
          .action = std::string(note.action),
          .scope = note.scope,
          .resource = AuditResourceOf(note.entity, note.resource),
          .tenant_id = note.tenant_id,
          .before = note.before,
          .after = note.after};
}

PreparedChange Prepare(const RequestInfo& request, const ChangeNote& note,
                       const std::optional<store::IdempotencyRecord>& idempotency) {
  PreparedChange change;
  change.scope = note.scope;
  change.audit = AuditOf(request, note);
  change.change.action = note.action;
  change.change.kind = note.removes ? store::ChangeKind::kRemove : store::ChangeKind::kPut;
  change.change.entity = note.entity;
  change.change.resource = note.resource;
  change.change.version = note.version;
  change.change.request_id = request.request_id;
  change.idempotency = idempotency;
  if (change.idempotency) {
    const std::string& result = note.result.empty() ? note.after : note.result;
    change.idempotency->result = result.size() <= kKeptResultBytesMax ? result : kNotKept;
  }
  return change;
}

base::Result<std::optional<store::IdempotencyRecord>> NewIdempotency(const RequestInfo& request,
                                                                     std::string_view action,
                                                                     std::string_view resource) {
  const std::string& key = request.idempotency_key;
  if (key.empty()) return std::nullopt;
  const bool printable = std::ranges::all_of(key, [](char c) { return c >= 0x20 && c <= 0x7E; });
  if (key.size() > kIdempotencyKeyCharactersMax || !printable)
    return base::Fail(ErrorCode::kInvalidArgument, "An idempotency key has 1 to 255 printable ASCII characters.",
                      "Idempotency-Key");
  return store::IdempotencyRecord{.owner = request.principal.id,
                                  .key = key,
                                  .fingerprint = Fingerprint(action, resource, request.request_body),
                                  .result = {}};
}

base::Result<std::optional<store::IdempotencyRecord>> FindEarlier(const Services& services,
                                                                  const store::IdempotencyRecord& idempotency) {
  GUIDON_ASSIGN(auto earlier, services.repository.GetIdempotency(idempotency.owner, idempotency.key));
  if (earlier && earlier->fingerprint != idempotency.fingerprint)
    return base::Fail(ErrorCode::kInvalidArgument,
                      "This idempotency key was used for another request. Use a new key for a new request.",
                      "Idempotency-Key");
  return earlier;
}

bool HasResult(const store::IdempotencyRecord& record) { return record.result != kNotKept; }

base::Status RequireIfMatch(const IfMatch& if_match) {
  if (if_match.kind != IfMatch::Kind::kMissing) return {};
  return base::Fail(ErrorCode::kPreconditionRequired,
                    "Say which version this replaces: If-Match with the ETag that was read, or * for any.", "If-Match");
}

base::Status CheckIfMatch(const IfMatch& if_match, std::uint64_t version) {
  if (if_match.kind != IfMatch::Kind::kVersion || if_match.version == version) return {};
  return std::unexpected(base::Error{.code = ErrorCode::kConflict,
                                     .message = "It has been changed since: the version is " + std::to_string(version) +
                                                ". Read it again and repeat the change.",
                                     .field = "If-Match",
                                     .current_version = version});
}

base::Error LostRace(std::string_view what, const std::optional<store::Item>& existing, const IfMatch& if_match) {
  if (!existing)
    return {.code = ErrorCode::kNotFound, .message = "The " + std::string(what) + " has been deleted meanwhile."};
  const std::uint64_t version = VersionOf(*existing);
  return {.code = ErrorCode::kConflict,
          .message = "Somebody else changed the " + std::string(what) + " at the same time: the version is " +
                     std::to_string(version) + ". Read it again and repeat the change.",
          .field = if_match.kind == IfMatch::Kind::kVersion ? "If-Match" : "",
          .current_version = version};
}

base::Error NotFound(std::string_view what, std::string_view name) {
  return {.code = ErrorCode::kNotFound,
          .message = "There is no " + std::string(what) + " \"" + std::string(name) + "\"."};
}

base::Error AlreadyExists(std::string_view what, std::string_view name) {
  return {.code = ErrorCode::kAlreadyExists,
          .message = "There is a " + std::string(what) + " \"" + std::string(name) + "\" already."};
}

base::Status CheckEnvironment(const Services& services, std::string_view environment) {
  if (services.snapshots.Find(environment) != nullptr) return {};
  return base::Fail(ErrorCode::kInvalidArgument, "There is no environment \"" + std::string(environment) + "\".",
                    "environment");
}

bool Sees(const Principal& principal, const std::optional<std::string>& tenant_id) {
  return !principal.tenant_id || principal.tenant_id == tenant_id;
}

base::Status BindTenant(const Principal& principal, std::optional<std::string>& tenant_id) {
  if (!principal.tenant_id) return {};
  if (tenant_id && tenant_id != principal.tenant_id)
    return base::Fail(ErrorCode::kPermissionDenied, "This credential is for another tenant.", "tenantId");
  tenant_id = principal.tenant_id;
  return {};
}

std::string TextOf(const model::Flag& flag) { return json::Write(json::FlagToJson(flag)); }
std::string TextOf(const model::Segment& segment) { return json::Write(json::SegmentToJson(segment)); }
std::string TextOf(const model::Override& override) { return json::Write(json::OverrideToJson(override)); }
std::string TextOf(const model::KillSwitch& kill_switch) { return json::Write(json::KillSwitchToJson(kill_switch)); }
std::string TextOf(const model::Tenant& tenant) { return json::Write(json::TenantToJson(tenant)); }
std::string TextOf(const model::ApiKey& key) { return json::Write(json::ApiKeyToJson(key)); }

base::Result<model::Flag> FlagFromText(std::string_view text) {
  GUIDON_ASSIGN(const auto document, ParseStored(text));
  GUIDON_ASSIGN(auto fields, json::FlagFromJson(document, {}));
  return model::Flag::Create(std::move(fields));
}

base::Result<model::Segment> SegmentFromText(std::string_view text) {
  GUIDON_ASSIGN(const auto document, ParseStored(text));
  GUIDON_ASSIGN(auto fields, json::SegmentFromJson(document, {}));
  return model::Segment::Create(std::move(fields));
}

base::Result<model::Override> OverrideFromText(std::string_view text) {
  GUIDON_ASSIGN(const auto document, ParseStored(text));
  GUIDON_ASSIGN(auto fields, json::OverrideFromJson(document));
  return model::Override::Create(std::move(fields));
}

base::Result<model::KillSwitch> KillSwitchFromText(std::string_view text) {
  GUIDON_ASSIGN(const auto document, ParseStored(text));
  GUIDON_ASSIGN(auto fields, json::KillSwitchFromJson(document));
  return model::KillSwitch::Create(std::move(fields));
}

base::Result<model::Tenant> TenantFromText(std::string_view text) {
  GUIDON_ASSIGN(const auto document, ParseStored(text));
  GUIDON_ASSIGN(auto fields, json::TenantFromJson(document, {}));
  return model::Tenant::Create(std::move(fields));
}

base::Result<Removed> CommitRemoval(const Services& services, PreparedChange change) {
  GUIDON_ASSIGN(const Committed committed, services.committer.Commit(std::move(change)));
  return Removed{.sequence = committed.sequence};
}

base::Result<Removed> ReplayRemoval(const store::IdempotencyRecord& record) {
  return Removed{.sequence = record.sequence, .replayed = true};
}

}  // namespace guidon::app
