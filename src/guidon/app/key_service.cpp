// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "guidon/app/change.hpp"
#include "guidon/app/crypto.hpp"
#include "guidon/app/environment_loader.hpp"
#include "guidon/app/key_times.hpp"
#include "guidon/app/keys.hpp"
#include "guidon/base/log.hpp"
#include "guidon/base/random.hpp"
#include "guidon/base/text.hpp"
#include "guidon/json/json.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using OptionalRecord = std::optional<store::IdempotencyRecord>;

constexpr std::string_view kTokenPrefix = "gdn_";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretCharacters = 43;  // of base 64 without padding
// Longer text is no token of ours; hashing only so much of it bounds what a stranger can make us do.
constexpr std::size_t kTokenBytesMax = 128;
// Compared with where there is no key, so that an unknown id takes as long as a wrong secret. No hash is this.
constexpr std::string_view kNoHash = "----------------------------------------------------------------";

using Keys = std::unordered_map<std::string, model::ApiKey>;

void KeepNewer(Keys& keys, const model::ApiKey& key) {
  const auto [entry, added] = keys.try_emplace(key->key_id, key);
  if (!added && entry->second->version < key->version) entry->second = key;
}

base::Status ReadAll(store::Repository& repository, Keys& keys) {
  store::PageRequest next{.limit = store::kPageLimitMax, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(auto page, repository.ListApiKeys(next));
    for (const auto& key : page.items) KeepNewer(keys, key);
    if (!page.next_cursor) return {};
    next.cursor = *std::move(page.next_cursor);
  }
}

ChangeNote NoteOf(std::string_view action, const model::ApiKey& key) {
  return {.action = action,
          .scope = std::string(store::kSystemScope),
          .entity = "key",
          .resource = key->key_id,
          .tenant_id = key->tenant_id,
          .version = key->version};
}

PrincipalKind PrincipalOf(model::KeyKind kind) {
  switch (kind) {
    case model::KeyKind::kAdmin: return PrincipalKind::kAdmin;
    case model::KeyKind::kServer: return PrincipalKind::kServer;
    case model::KeyKind::kClient: return PrincipalKind::kClient;
  }
  return PrincipalKind::kAnonymous;
}

bool SeesKey(const Principal& principal, const model::ApiKey& key) {
  return Sees(principal, key->tenant_id) && (!principal.environment || principal.environment == key->environment);
}

base::Status BindEnvironment(const Principal& principal, std::optional<std::string>& environment) {
  if (!principal.environment) return {};
  if (environment && environment != principal.environment)
    return base::Fail(ErrorCode::kPermissionDenied, "This credential is for another environment.", "environment");
  environment = principal.environment;
  return {};
}

base::Status CheckRotatable(const model::ApiKey& key, base::Timestamp now) {
  std::string why;
  if (key->revoked_at) {
    why = "is revoked";
  } else if (key->replaced_by) {
    why = "has been replaced by the key " + *key->replaced_by;
  } else if (!IsUsable(key, now)) {
    why = "has expired";
  }
  if (why.empty()) return {};
  return base::Fail(ErrorCode::kConflict, "The key " + why + ". Make a new one.");
}

// The result of an issuing request that is kept: which key, and nothing of its secret.
std::string KeyIdIn(const store::IdempotencyRecord& record) {
  const auto document = json::Parse(record.result);
  if (!document || document->AsObject() == nullptr) return {};
  const auto* id = document->AsObject()->Find("keyId");
  return id != nullptr && id->AsString() != nullptr ? *id->AsString() : std::string{};
}

}  // namespace

struct KeyService::Usage {
  struct Use {
    base::Timestamp noted = {};
    base::Timestamp written = {};
  };
  std::mutex mutex;
  std::map<std::string, Use, std::less<>> uses;
};

std::optional<KeyToken> ParseKeyToken(std::string_view token) {
  if (!token.starts_with(kTokenPrefix) || token.size() > kTokenBytesMax) return std::nullopt;
  token.remove_prefix(kTokenPrefix.size());
  const std::size_t kind_end = token.find('_');
  if (kind_end == std::string_view::npos) return std::nullopt;
  const std::size_t id_end = token.find('_', kind_end + 1);
  if (id_end == std::string_view::npos) return std::nullopt;
  const auto kind = model::KeyKindFromName(token.substr(0, kind_end));
  const std::string_view id = token.substr(kind_end + 1, id_end - kind_end - 1);
  const std::string_view secret = token.substr(id_end + 1);
  if (!kind || !model::KeyIdRule::Check(id, model::KeyIdRule::kField)) return std::nullopt;
  if (secret.size() != kSecretCharacters || !base::FromBase64Url(secret)) return std::nullopt;
  return KeyToken{.kind = *kind, .key_id = std::string(id)};
}

bool KeyRing::Holds(std::string_view key_id, base::Timestamp now) const {
  const model::ApiKey* key = Find(key_id);
  return key != nullptr && IsUsable(*key, now);
}

const model::ApiKey* KeyRing::Find(std::string_view key_id) const {
  const auto found = keys_.find(std::string(key_id));
  return found != keys_.end() ? &found->second : nullptr;
}

KeyService::KeyService(Services services, std::string hash_secret)
    : s_(services),
      hash_secret_(std::move(hash_secret)),
      ring_(std::make_shared<const KeyRing>(Keys{})),
      usage_(std::make_unique<Usage>()) {}

KeyService::~KeyService() = default;

std::string KeyService::HashOf(std::string_view token) const { return base::ToHex(HmacSha256(hash_secret_, token)); }

std::string KeyService::Issue(model::ApiKeyFields& fields) const {
  fields.key_id = base::RandomId();
  std::string token(kTokenPrefix);
  token += model::NameOf(fields.kind);
  token += '_' + fields.key_id + '_' + base::ToBase64Url(base::RandomBytes(kSecretBytes));
  fields.secret_hash = HashOf(token);
  return token;
}

Result<model::ApiKey> KeyService::VisibleKey(const Principal& principal, const model::KeyId& key) {
  GUIDON_ASSIGN(auto found, s_.repository.GetApiKey(key));
  if (!found || !SeesKey(principal, *found)) return std::unexpected(NotFound("API key", key.str()));
  return *std::move(found);
}

Result<store::Page<model::ApiKey>> KeyService::List(const RequestInfo& request, const store::PageRequest& page) {
  const Principal& principal = request.principal;
  if (!principal.tenant_id) {
    GUIDON_ASSIGN(auto found, s_.repository.ListApiKeys(page));
    std::erase_if(found.items, [&](const auto& key) { return !SeesKey(principal, key); });
    return found;
  }
  GUIDON_ASSIGN(const auto tenant, model::TenantId::Parse(*principal.tenant_id));
  GUIDON_ASSIGN(auto found, s_.repository.ListApiKeysOfTenant(tenant, page));
  std::erase_if(found.items, [&](const auto& key) { return !SeesKey(principal, key); });
  return found;
}

Result<model::ApiKey> KeyService::Get(const RequestInfo& request, const model::KeyId& key) {
  return VisibleKey(request.principal, key);
}

Result<Changed<IssuedKey>> KeyService::CreateOnce(const RequestInfo& request, model::ApiKeyFields fields,
                                                  const OptionalRecord& record) {
  GUIDON_TRY(BindTenant(request.principal, fields.tenant_id));
  GUIDON_TRY(BindEnvironment(request.principal, fields.environment));
  if (fields.environment) GUIDON_TRY(CheckEnvironment(s_, *fields.environment));
  const base::Timestamp now = s_.clock.Now();
  if (fields.expires_at && *fields.expires_at <= now)
    return base::Fail(ErrorCode::kInvalidArgument, "A new key must expire in the future.", "expiresAt");
  fields.version = 1;
  fields.created_at = fields.updated_at = now;
  fields.created_by = fields.updated_by = request.principal.id;
  fields.revoked_at.reset();
  fields.replaced_by.reset();
  fields.last_used_at.reset();
  std::string token = Issue(fields);
  GUIDON_ASSIGN(model::ApiKey key, model::ApiKey::Create(std::move(fields)));

  ChangeNote note = NoteOf("key.create", key);
  note.after = TextOf(key);
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::PutApiKey(key, std::nullopt));
  change.explain = [id = key->key_id](std::size_t, const auto&) { return AlreadyExists("API key", id); };
  GUIDON_ASSIGN(const Committed committed, s_.committer.Commit(std::move(change)));
  PublishKey(key);
  return Changed<IssuedKey>{.entity = {.key = std::move(key), .token = std::move(token)},
                            .sequence = committed.sequence};
}

Result<Changed<IssuedKey>> KeyService::ReplayIssued(const RequestInfo& request,
                                                    const store::IdempotencyRecord& record) {
  GUIDON_ASSIGN(const auto id, model::KeyId::Parse(KeyIdIn(record)));
  GUIDON_ASSIGN(model::ApiKey key, VisibleKey(request.principal, id));
  return Changed<IssuedKey>{
      .entity = {.key = std::move(key), .token = std::nullopt}, .sequence = record.sequence, .replayed = true};
}

Result<Changed<IssuedKey>> KeyService::Create(const RequestInfo& request, model::ApiKeyFields fields) {
  return Once(
      s_, request, "key.create", "", [&](const OptionalRecord& record) { return CreateOnce(request, fields, record); },
      [&](const auto& record) { return ReplayIssued(request, record); });
}

Result<Changed<IssuedKey>> KeyService::RotateOnce(const RequestInfo& request, const model::KeyId& id,
                                                  const KeyRotation& rotation, const OptionalRecord& record) {
  GUIDON_ASSIGN(const model::ApiKey old, VisibleKey(request.principal, id));
  const base::Timestamp now = s_.clock.Now();
  GUIDON_TRY(CheckRotatable(old, now));

  model::ApiKeyFields fields{.key_id = {},
                             .kind = old->kind,
                             .name = old->name,
                             .environment = old->environment,
                             .tenant_id = old->tenant_id,
                             .created_at = now,
                             .created_by = request.principal.id,
                             .updated_at = now,
                             .updated_by = request.principal.id};
  if (old->expires_at) fields.expires_at = now + (*old->expires_at - old->created_at);
  std::string token = Issue(fields);
  GUIDON_ASSIGN(model::ApiKey fresh, model::ApiKey::Create(std::move(fields)));

  model::ApiKeyFields changed = *old;
  changed.expires_at = std::min(old->expires_at.value_or(base::Timestamp::max()), now + rotation.overlap);
  changed.replaced_by = fresh->key_id;
  changed.version = old->version + 1;
  changed.updated_at = now;
  changed.updated_by = request.principal.id;
  GUIDON_ASSIGN(model::ApiKey replaced, model::ApiKey::Create(std::move(changed)));

  ChangeNote note = NoteOf("key.rotate", replaced);
  note.before = TextOf(old);
  note.after = TextOf(replaced);
  PreparedChange change = Prepare(request, note, record);
  if (change.idempotency) change.idempotency->result = TextOf(fresh);
  change.operations.emplace_back(store::PutApiKey(replaced, old->version));
  change.operations.emplace_back(store::PutApiKey(fresh, std::nullopt));
  change.explain = [](std::size_t, const auto& existing) { return LostRace("API key", existing); };
  GUIDON_ASSIGN(const Committed committed, s_.committer.Commit(std::move(change)));
  PublishKey(fresh);
  PublishKey(replaced);
  return Changed<IssuedKey>{.entity = {.key = std::move(fresh), .token = std::move(token)},
                            .sequence = committed.sequence};
}

Result<Changed<IssuedKey>> KeyService::Rotate(const RequestInfo& request, const model::KeyId& key,
                                              const KeyRotation& rotation) {
  if (rotation.overlap < std::chrono::seconds{0} || rotation.overlap > kRotationOverlapMax)
    return base::Fail(ErrorCode::kInvalidArgument, "The overlap is 0 seconds to 30 days.", "overlapSeconds");
  return Once(
      s_, request, "key.rotate", key.str(),
      [&](const OptionalRecord& record) {
        return RetryRaces({}, [&](int) { return RotateOnce(request, key, rotation, record); });
      },
      [&](const auto& record) { return ReplayIssued(request, record); });
}

Result<Changed<model::ApiKey>> KeyService::RevokeOnce(const RequestInfo& request, const model::KeyId& id,
                                                      const OptionalRecord& record) {
  GUIDON_ASSIGN(model::ApiKey current, VisibleKey(request.principal, id));
  if (current->revoked_at) {
    GUIDON_ASSIGN(const auto sequence, s_.repository.ChangeHead(store::kSystemScope));
    return Changed<model::ApiKey>{.entity = std::move(current), .sequence = sequence};
  }
  model::ApiKeyFields fields = *current;
  fields.revoked_at = fields.updated_at = s_.clock.Now();
  fields.updated_by = request.principal.id;
  fields.version = current->version + 1;
  GUIDON_ASSIGN(model::ApiKey revoked, model::ApiKey::Create(std::move(fields)));
  ChangeNote note = NoteOf("key.revoke", revoked);
  note.before = TextOf(current);
  note.after = TextOf(revoked);
  PreparedChange change = Prepare(request, note, record);
  change.operations.emplace_back(store::PutApiKey(revoked, current->version));
  change.explain = [](std::size_t, const auto& existing) { return LostRace("API key", existing); };
  GUIDON_ASSIGN(const Committed committed, s_.committer.Commit(std::move(change)));
  PublishKey(revoked);
  return Changed<model::ApiKey>{.entity = std::move(revoked), .sequence = committed.sequence};
}

Result<Changed<model::ApiKey>> KeyService::Revoke(const RequestInfo& request, const model::KeyId& key) {
  return Once(
      s_, request, "key.revoke", key.str(),
      [&](const OptionalRecord& record) {
        return RetryRaces({}, [&](int) { return RevokeOnce(request, key, record); });
      },
      [&](const auto& record) -> Result<Changed<model::ApiKey>> {
        GUIDON_ASSIGN(model::ApiKey now, VisibleKey(request.principal, key));
        return Changed<model::ApiKey>{.entity = std::move(now), .sequence = record.sequence, .replayed = true};
      });
}

base::Status KeyService::Reload() {
  const std::lock_guard one_reload(reload_mutex_);
  {
    const std::lock_guard lock(ring_mutex_);
    changed_meanwhile_.emplace();
  }
  Keys keys;
  std::uint64_t head = 0;
  std::vector<store::ChangeRecord> recent;
  const auto read = [&]() -> base::Status {
    GUIDON_ASSIGN(head, s_.repository.ChangeHead(store::kSystemScope));
    GUIDON_TRY(ReadAll(s_.repository, keys));
    GUIDON_ASSIGN(recent, RecentChanges(s_.repository, store::kSystemScope, head, s_.clock.Now()));
    return {};
  };
  const base::Status status = read();
  {
    const std::lock_guard lock(ring_mutex_);
    const auto changed = std::exchange(changed_meanwhile_, std::nullopt);
    GUIDON_TRY(status);
    for (const auto& key : *changed) KeepNewer(keys, key);
    ring_.Publish(std::make_shared<const KeyRing>(std::move(keys)));
  }
  GUIDON_TRY(PublishChanged(recent));
  sequence_.store(head);
  return {};
}

base::Status KeyService::PublishChanged(const std::vector<store::ChangeRecord>& records) {
  std::set<std::string> ids;
  for (const auto& record : records) {
    if (record.entity == "key") ids.insert(record.resource);
  }
  std::vector<std::string> wanted(ids.begin(), ids.end());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    GUIDON_ASSIGN(const auto key_id, model::KeyId::Parse(wanted[i]));
    const auto key = s_.repository.GetApiKey(key_id);
    if (!key) {
      // A key that cannot be read works for nobody; it must not keep the others from being known.
      if (key.error().code != ErrorCode::kCorrupt) return std::unexpected(key.error());
      base::Log(base::LogLevel::kWarn, "An API key cannot be read.",
                {{"keyId", wanted[i]}, {"error", key.error().message}});
      continue;
    }
    if (!*key) continue;
    PublishKey(**key);
    // The entry of a rotation names the old key only.
    const auto& fresh = (**key)->replaced_by;
    if (fresh && ids.insert(*fresh).second) wanted.push_back(*fresh);
  }
  return {};
}

base::Status KeyService::CatchUp(std::uint64_t head) {
  std::uint64_t known = sequence_.load();
  if (head <= known) return {};
  store::PageRequest next{.limit = store::kPageLimitMax, .cursor = {}};
  std::vector<store::ChangeRecord> missed;
  while (true) {
    GUIDON_ASSIGN(auto page, s_.repository.ListChangesAfter(store::kSystemScope, known, next));
    for (auto& record : page.items) missed.push_back(std::move(record));
    if (!page.next_cursor || missed.size() > kCatchUpChangesMax) break;
    next.cursor = *std::move(page.next_cursor);
  }
  const bool whole = !missed.empty() && missed.size() <= kCatchUpChangesMax && missed.front().sequence == known + 1 &&
                     missed.back().sequence == known + missed.size() && missed.back().sequence >= head;
  if (!whole) return Reload();
  GUIDON_TRY(PublishChanged(missed));
  // A Reload that ended meanwhile may know more.
  while (known < missed.back().sequence && !sequence_.compare_exchange_weak(known, missed.back().sequence)) {
  }
  return {};
}

void KeyService::PublishKey(const model::ApiKey& key) {
  const std::lock_guard lock(ring_mutex_);
  if (changed_meanwhile_) changed_meanwhile_->push_back(key);
  Keys keys = ring_.Get()->keys();
  KeepNewer(keys, key);
  ring_.Publish(std::make_shared<const KeyRing>(std::move(keys)));
}

Principal KeyService::Authenticate(const KeyRing& ring, std::string_view token) const {
  const std::string hash = HashOf(token.substr(0, kTokenBytesMax));
  const auto parsed = ParseKeyToken(token);
  const model::ApiKey* key = parsed ? ring.Find(parsed->key_id) : nullptr;
  const bool same = ConstantTimeEqual(hash, key != nullptr ? std::string_view((*key)->secret_hash) : kNoHash);
  if (key == nullptr || !same || (*key)->kind != parsed->kind || !IsUsable(*key, s_.clock.Now())) return {};
  return {.kind = PrincipalOf((*key)->kind),
          .id = (*key)->key_id,
          .environment = (*key)->environment,
          .tenant_id = (*key)->tenant_id};
}

void KeyService::NoteUse(std::string_view key_id) {
  const base::Timestamp now = s_.clock.Now();
  const std::lock_guard lock(usage_->mutex);
  const auto found = usage_->uses.find(key_id);
  if (found != usage_->uses.end()) {
    found->second.noted = now;
  } else {
    usage_->uses.emplace(std::string(key_id), Usage::Use{.noted = now});
  }
}

base::Status KeyService::FlushUsage() {
  std::vector<std::pair<std::string, base::Timestamp>> due;
  const auto ring = ring_.Get();
  {
    const std::lock_guard lock(usage_->mutex);
    for (auto& [id, use] : usage_->uses) {
      const model::ApiKey* key = ring->Find(id);
      if (use.written == base::Timestamp{} && key != nullptr) use.written = (*key)->last_used_at.value_or(use.written);
      if (use.noted > use.written && (use.written == base::Timestamp{} || use.noted - use.written >= kKeyUseResolution))
        due.emplace_back(id, use.noted);
    }
  }
  for (const auto& [id, noted] : due) {
    const auto key = model::KeyId::Parse(id);
    if (key) {
      GUIDON_TRY(s_.repository.table().UpdateItem(store::TouchApiKey(*key, noted)));
    }
    const std::lock_guard lock(usage_->mutex);
    usage_->uses[id].written = noted;
  }
  return {};
}

}  // namespace guidon::app
