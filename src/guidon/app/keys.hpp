// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "guidon/app/services.hpp"
#include "guidon/base/published.hpp"

namespace guidon::app {

// Text of an API key: "gdn_" + kind + "_" + key id + "_" + secret, for example "gdn_server_4k…_Q2…". The secret is 256
// random bits in base64url. Only HMAC-SHA-256(hash_secret, whole text) is stored.
struct KeyToken {
  model::KeyKind kind;
  std::string key_id;
};
std::optional<KeyToken> ParseKeyToken(std::string_view token);

// All keys, for authentication without a read of the store. Immutable.
class KeyRing {
 public:
  explicit KeyRing(std::unordered_map<std::string, model::ApiKey> keys) : keys_(std::move(keys)) {}
  const model::ApiKey* Find(std::string_view key_id) const;
  // Whether the key is there and works, now: for what was opened with it and lasts.
  bool Holds(std::string_view key_id, base::Timestamp now) const;
  std::size_t size() const { return keys_.size(); }
  const std::unordered_map<std::string, model::ApiKey>& keys() const { return keys_; }

 private:
  std::unordered_map<std::string, model::ApiKey> keys_;
};

// A new key with its secret, which is shown this once. Replays of an idempotent request have no token: it is not kept.
struct IssuedKey {
  model::ApiKey key;
  std::optional<std::string> token;
};

struct KeyRotation {
  std::chrono::seconds overlap{24 * 3600};  // how long the old key goes on working; 0 to kRotationOverlapMax
};
inline constexpr std::chrono::hours kRotationOverlapMax{24 * 30};
// A key's last use is written at most this often.
inline constexpr std::chrono::hours kKeyUseResolution{1};
inline constexpr std::size_t kKeyHashSecretBytesMin = 32;

class KeyService {
 public:
  // `hash_secret`: at least 32 bytes, the same on all nodes of a table.
  KeyService(Services services, std::string hash_secret);
  ~KeyService();

  base::Result<store::Page<model::ApiKey>> List(const RequestInfo& request, const store::PageRequest& page);
  base::Result<model::ApiKey> Get(const RequestInfo& request, const model::KeyId& key);
  // A principal bound to a tenant or environment can make keys only within it.
  base::Result<Changed<IssuedKey>> Create(const RequestInfo& request, model::ApiKeyFields fields);
  // A new key with the same rights and, where the old one has an expiry, as long a life; the old one expires after the
  // overlap, or as it would have if that is earlier. Refused (kConflict) for a key that is revoked, expired or
  // replaced.
  base::Result<Changed<IssuedKey>> Rotate(const RequestInfo& request, const model::KeyId& key,
                                          const KeyRotation& rotation);
  // At once. Revoking a revoked key succeeds.
  base::Result<Changed<model::ApiKey>> Revoke(const RequestInfo& request, const model::KeyId& key);

  // Loads all keys from the store and publishes the ring.
  base::Status Reload();
  // Brings the ring up to `head` of the system's change log by reading the keys that changed, or all of them where the
  // log does not reach back. Does nothing where the ring is that far.
  base::Status CatchUp(std::uint64_t head);
  // The change of the system's log that the ring includes.
  std::uint64_t sequence() const { return sequence_.load(); }
  const base::Published<KeyRing>& ring() const { return ring_; }

  // Who `token` is, now. kAnonymous where it is unknown, expired, revoked or malformed; takes the same time for all of
  // these. No I/O, no lock: for I/O threads.
  Principal Authenticate(const KeyRing& ring, std::string_view token) const;

  // Remembers that a key was used; written to the store by FlushUsage, at most once an hour for a key.
  void NoteUse(std::string_view key_id);
  base::Status FlushUsage();

 private:
  std::string HashOf(std::string_view token) const;
  void PublishKey(const model::ApiKey& key);
  // The present state of the keys that the records name.
  base::Status PublishChanged(const std::vector<store::ChangeRecord>& records);

  base::Result<model::ApiKey> VisibleKey(const Principal& principal, const model::KeyId& key);
  base::Result<Changed<IssuedKey>> CreateOnce(const RequestInfo& request, model::ApiKeyFields fields,
                                              const std::optional<store::IdempotencyRecord>& record);
  base::Result<Changed<IssuedKey>> RotateOnce(const RequestInfo& request, const model::KeyId& key,
                                              const KeyRotation& rotation,
                                              const std::optional<store::IdempotencyRecord>& record);
  base::Result<Changed<model::ApiKey>> RevokeOnce(const RequestInfo& request, const model::KeyId& key,
                                                  const std::optional<store::IdempotencyRecord>& record);
  base::Result<Changed<IssuedKey>> ReplayIssued(const RequestInfo& request, const store::IdempotencyRecord& record);
  // Gives the fields an id, a secret and its hash, and returns the token.
  std::string Issue(model::ApiKeyFields& fields) const;

  struct Usage;
  Services s_;
  std::string hash_secret_;
  base::Published<KeyRing> ring_;
  std::mutex reload_mutex_;                                      // one Reload at a time; taken before ring_mutex_
  std::mutex ring_mutex_;                                        // guards publishing, and:
  std::optional<std::vector<model::ApiKey>> changed_meanwhile_;  // while a Reload reads the store
  std::atomic<std::uint64_t> sequence_{0};
  std::unique_ptr<Usage> usage_;
};

}  // namespace guidon::app
