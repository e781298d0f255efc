// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "guidon/base/text.hpp"
#include "guidon/store/audit_chain.hpp"
#include "guidon/store/codec.hpp"
#include "guidon/store/item_fields.hpp"
#include "guidon/store/item_reader.hpp"
#include "guidon/store/keys.hpp"

namespace guidon::store {
namespace {

using base::Result;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::string_view Cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && IsContinuation(text[bytes_max])) --bytes_max;
  return text.substr(0, bytes_max);
}

// Spreads the entries of one request as well as those of many.
unsigned ShardOf(const AuditRecord& record) {
  return static_cast<unsigned>((base::Fnv1a64(record.request_id) + record.sequence) % kAuditShards);
}

std::string LeftOut(std::size_t bytes) {
  return R"({"leftOut":"too large to be kept twice; it is the state after the change before this one","bytes":)" +
         std::to_string(bytes) + "}";
}

void SetStates(ItemBuilder& item, const AuditRecord& record) {
  const bool fits = record.before.size() + record.after.size() <= kAuditStatesBytesMax;
  SetUnlessEmpty(item, "before", fits || record.before.empty() ? record.before : LeftOut(record.before.size()));
  SetUnlessEmpty(item, "after", record.after);
}

void SetSequence(ItemBuilder& item, std::uint64_t sequence) {
  item.Set("sequence", Number::From(static_cast<std::int64_t>(sequence)));
}

void SetChain(ItemBuilder& item, const AuditRecord& record) {
  if (record.hash_version == 0) return;
  item.Set("hashVersion", Number::From(static_cast<std::int64_t>(record.hash_version)));
  SetUnlessEmpty(item, "previousHash", record.previous_hash);
  SetUnlessEmpty(item, kAuditHashAttribute, record.hash);
  SetUnlessEmpty(item, "run", record.run);
  if (record.run_number > 0) item.Set("runNumber", Number::From(static_cast<std::int64_t>(record.run_number)));
}

std::uint64_t ReadSequenceText(ItemReader& in, const std::string& text) {
  std::uint64_t sequence = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), sequence);
  constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (parsed.ec != std::errc{} || SequenceText(sequence) != text || sequence > kLast)
    in.Problem("SK", "the key is no sequence number");
  return sequence;
}

ChangeKind ReadChangeKind(ItemReader& in) {
  const std::string kind = in.Text("kind");
  if (kind != "put" && kind != "remove") in.Problem("kind", "must be put or remove");
  return kind == "remove" ? ChangeKind::kRemove : ChangeKind::kPut;
}

base::Timestamp ReadKeyTime(ItemReader& in, std::string_view text, std::string_view field) {
  return in.Take(base::ParseTimestamp(text, field)).value_or(base::Timestamp{});
}

}  // namespace

std::string CleanAuditText(std::string_view text) {
  std::string clean(Cut(text, kAuditTextBytesMax));
  const bool utf8 = base::IsUtf8(clean);
  for (char& c : clean) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (!utf8 && byte >= 0x80)) c = '?';
  }
  return clean;
}

std::string AuditKeyPart(std::string_view text) { return CleanAuditText(Cut(text, kAuditKeyPartBytesMax)); }

Key KeyOf(const AuditRecord& record) {
  return AuditItemKey(record.at, ShardOf(record), AuditKeyPart(record.request_id));
}

Item EncodeAudit(const AuditRecord& record) {
  const std::string at = base::FormatTimestamp(record.at);
  ItemBuilder item;
  SetKey(item, KeyOf(record));
  SetIndexKey(item, Index::kGsi1Flags,
              {AuditResourcePartition(AuditKeyPart(record.scope), AuditKeyPart(record.resource)), at});
  SetIndexKey(item, Index::kGsi2Owner, {AuditActorPartition(AuditKeyPart(record.actor_id)), at});
  if (record.tenant_id)
    SetIndexKey(item, Index::kGsi3Tenant, AuditByTenant(AuditKeyPart(*record.tenant_id), record.at));
  item.Set("at", at);
  item.Set("requestId", CleanAuditText(record.request_id));
  item.Set("actorId", CleanAuditText(record.actor_id));
  item.Set("actorKind", record.actor_kind);
  if (record.actor_tenant) item.Set("actorTenantId", CleanAuditText(*record.actor_tenant));
  SetUnlessEmpty(item, "address", CleanAuditText(record.address));
  SetUnlessEmpty(item, "userAgent", CleanAuditText(record.user_agent));
  item.Set("action", record.action);
  item.Set("environment", CleanAuditText(record.scope));
  item.Set("resource", CleanAuditText(record.resource));
  if (record.tenant_id) item.Set("tenantId", CleanAuditText(*record.tenant_id));
  SetSequence(item, record.sequence);
  SetStates(item, record);
  SetChain(item, record);
  return std::move(item).Done();
}

Result<AuditRecord> DecodeAudit(const Item& item) {
  ItemReader in(item);
  const auto day = in.KeyParts("PK", "AUDIT", 2);
  AuditRecord record{.at = in.Time("at"),
                     .request_id = in.TextOr("requestId", ""),
                     .actor_id = in.TextOr("actorId", ""),
                     .actor_kind = in.TextOr("actorKind", ""),
                     .actor_tenant = in.OptionalText("actorTenantId"),
                     .address = in.TextOr("address", ""),
                     .user_agent = in.TextOr("userAgent", ""),
                     .action = in.Text("action"),
                     .scope = in.Text("environment"),
                     .resource = in.Text("resource"),
                     .tenant_id = in.OptionalText("tenantId"),
                     .sequence = in.Unsigned("sequence", 0),
                     .before = in.TextOr("before", ""),
                     .after = in.TextOr("after", ""),
                     .hash_version = in.Unsigned("hashVersion", 0),
                     .previous_hash = in.TextOr("previousHash", ""),
                     .hash = in.TextOr(kAuditHashAttribute, ""),
                     .run = in.TextOr("run", ""),
                     .run_number = in.Unsigned("runNumber", 0)};
  if (day[0] != base::FormatDate(record.at)) in.Problem("at", "contradicts the key of the item");
  in.KeyParts("SK", base::FormatTimestamp(record.at), 1);
  return in.Finish([&] { return Result<AuditRecord>(std::move(record)); });
}

Item EncodeChange(const ChangeRecord& record) {
  ItemBuilder item;
  SetKey(item, ChangeItemKey(record.scope, record.sequence));
  item.Set("environment", record.scope);
  SetSequence(item, record.sequence);
  item.Set("at", base::FormatTimestamp(record.at));
  item.Set("action", record.action);
  item.Set("kind", record.kind == ChangeKind::kRemove ? "remove" : "put");
  item.Set("entity", record.entity);
  item.Set("resource", record.resource);
  SetTexts(item, "tenants", record.tenants);
  SetVersion(item, record.version);
  SetUnlessEmpty(item, "requestId", CleanAuditText(record.request_id));
  SetTtl(item, record.at + kChangeLogRetention);
  return std::move(item).Done();
}

Result<ChangeRecord> DecodeChange(const Item& item) {
  ItemReader in(item);
  const auto scope = in.KeyParts("PK", "CHANGES", 1);
  const AttributeValue* sort = in.Find("SK");
  const std::string* digits = sort != nullptr ? sort->AsString() : nullptr;
  ChangeRecord record{.scope = in.SameText("environment", scope[0]),
                      .sequence = ReadSequenceText(in, digits != nullptr ? *digits : std::string{}),
                      .at = in.Time("at"),
                      .action = in.Text("action"),
                      .kind = ReadChangeKind(in),
                      .entity = in.Text("entity"),
                      .resource = in.Text("resource"),
                      .tenants = in.TextList("tenants"),
                      .version = in.Version(),
                      .request_id = in.TextOr("requestId", "")};
  if (in.Unsigned("sequence", record.sequence) != record.sequence)
    in.Problem("sequence", "contradicts the key of the item");
  return in.Finish([&] { return Result<ChangeRecord>(std::move(record)); });
}

Item EncodeChangeHead(std::string_view scope, const LogHead& head) {
  ItemBuilder item;
  SetKey(item, ChangeHeadKey(scope));
  SetIndexKey(item, Index::kGsi1Flags, ChangeHeadByScope(scope));
  SetSequence(item, head.sequence);
  if (!head.audit_hash.empty()) {
    item.Set("auditHash", head.audit_hash);
    item.Set("auditAt", base::FormatTimestamp(head.audit_at));
  }
  return std::move(item).Done();
}

Result<LogHead> DecodeChangeHead(const Item& item) {
  ItemReader in(item);
  if (in.Find("sequence") == nullptr) in.Problem("sequence", "the attribute is missing");
  LogHead head{.sequence = in.Unsigned("sequence", 0)};
  const AttributeValue* hash = item.Find("auditHash");
  const AttributeValue* at = item.Find("auditAt");
  if (hash != nullptr && hash->AsString() != nullptr) head.audit_hash = *hash->AsString();
  if (at != nullptr && at->AsString() != nullptr)
    head.audit_at = base::ParseTimestamp(*at->AsString()).value_or(base::Timestamp{});
  return in.Finish([&] { return Result<LogHead>(std::move(head)); });
}

Item EncodeNode(const NodeRecord& record) {
  ItemBuilder item;
  SetKey(item, NodeItemKey(record.node));
  item.Set("node", record.node);
  item.Set("at", base::FormatTimestamp(record.at));
  item.Set("report", record.report);
  SetTtl(item, record.at + record.kept);
  return std::move(item).Done();
}

Result<NodeRecord> DecodeNode(const Item& item) {
  ItemReader in(item);
  NodeRecord record{.node = in.Text("node"), .at = in.Time("at"), .report = in.Text("report")};
  in.ExpectKey("PK", kNodesPartition);
  in.ExpectKey("SK", record.node);
  return in.Finish([&] { return Result<NodeRecord>(std::move(record)); });
}

Item EncodeIdempotency(const IdempotencyRecord& record) {
  ItemBuilder item;
  SetKey(item, IdempotencyItemKey(record.owner, record.key));
  item.Set("owner", record.owner);
  item.Set("idempotencyKey", record.key);
  item.Set("fingerprint", record.fingerprint);
  SetUnlessEmpty(item, "result", record.result);
  SetSequence(item, record.sequence);
  item.Set("at", base::FormatTimestamp(record.at));
  SetTtl(item, record.at + kIdempotencyRetention);
  return std::move(item).Done();
}

Result<IdempotencyRecord> DecodeIdempotency(const Item& item) {
  ItemReader in(item);
  IdempotencyRecord record{.owner = in.Text("owner"),
                           .key = in.Text("idempotencyKey"),
                           .fingerprint = in.Text("fingerprint"),
                           .result = in.TextOr("result", ""),
                           .sequence = in.Unsigned("sequence", 0),
                           .at = in.Time("at")};
  const Key expected = IdempotencyItemKey(record.owner, record.key);
  in.ExpectKey("PK", expected.pk);
  in.ExpectKey("SK", expected.sk);
  return in.Finish([&] { return Result<IdempotencyRecord>(std::move(record)); });
}

Item EncodeEvaluation(const EvaluationLogRecord& record) {
  const auto env = *model::Environment::Parse(record.environment);
  const auto flag = *model::FlagKey::Parse(record.flag_key);
  std::optional<model::TenantId> tenant;
  if (!record.tenant_id.empty()) tenant = *model::TenantId::Parse(record.tenant_id);
  ItemBuilder item;
  SetKey(item, EvaluationLogItemKey(env, flag, record.at, tenant));
  SetIndexKey(item, Index::kGsi1Flags, EvaluationByDay(env, flag, record.at));
  item.Set("environment", record.environment);
  item.Set("flagKey", record.flag_key);
  SetUnlessEmpty(item, "tenantId", record.tenant_id);
  item.Set("evaluatedAt", base::FormatTimestamp(record.at));
  SetUnlessEmpty(item, "variation", record.variation);
  SetUnlessEmpty(item, "reason", record.reason);
  SetTtl(item, record.at + kEvaluationLogRetention);
  return std::move(item).Done();
}

Result<EvaluationLogRecord> DecodeEvaluation(const Item& item) {
  ItemReader in(item);
  const auto flag = in.KeyParts("PK", "FLAG", 2);
  const auto entry = in.KeyParts("SK", "EVAL", 2);
  EvaluationLogRecord record{.environment = in.SameText("environment", flag[0]),
                             .flag_key = in.SameText("flagKey", flag[1]),
                             .tenant_id = in.SameText("tenantId", entry[1]),
                             .at = ReadKeyTime(in, entry[0], "SK"),
                             .variation = in.TextOr("variation", ""),
                             .reason = in.TextOr("reason", "")};
  return in.Finish([&] { return Result<EvaluationLogRecord>(std::move(record)); });
}

Result<AbTestRecord> DecodeAbTest(const Item& item) {
  ItemReader in(item);
  const auto key = in.KeyParts("PK", "ABTEST", 1);
  in.ExpectKey("SK", kMetadataSort);
  AbTestRecord record{.test_id = in.SameText("testId", key[0]), .environment = in.TextOr("environment", "")};
  const auto by_creation = in.KeyParts("GSI1SK", "TEST", 1);
  record.created_at = ReadKeyTime(in, by_creation[0], "GSI1SK");
  return in.Finish([&] { return Result<AbTestRecord>(std::move(record)); });
}

Result<AbAssignmentRecord> DecodeAbAssignment(const Item& item) {
  ItemReader in(item);
  const auto test = in.KeyParts("PK", "ABTEST", 1);
  const auto user = in.KeyParts("SK", "ASSIGN", 1);
  AbAssignmentRecord record{.test_id = in.SameText("testId", test[0]),
                            .user_id = in.SameText("userId", user[0]),
                            .variation = in.TextOr("variation", "")};
  // ABTEST#{testId}#{timestamp}; the time is the part after the last '#'.
  const AttributeValue* sort = in.Find("GSI1SK");
  const std::string* text = sort != nullptr ? sort->AsString() : nullptr;
  const std::string_view whole = text != nullptr ? std::string_view(*text) : std::string_view{};
  record.at = ReadKeyTime(in, whole.substr(whole.rfind('#') + 1), "GSI1SK");
  return in.Finish([&] { return Result<AbAssignmentRecord>(std::move(record)); });
}

}  // namespace guidon::store
