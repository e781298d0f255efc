// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/model/condition.hpp"
#include "guidon/model/ids.hpp"

namespace guidon::model {

struct SegmentKeyCounts {
  std::size_t included = 0;
  std::size_t excluded = 0;
  friend bool operator==(const SegmentKeyCounts&, const SegmentKeyCounts&) = default;
};

// Reusable audience: explicit keys (targetingKey of the context; exclude wins) and a condition tree (spec 3).
struct SegmentFields {
  std::string segment_key;
  std::string environment;
  std::string description = {};
  std::vector<std::string> included = {};  // sorted and unique after Create
  std::vector<std::string> excluded = {};  // sorted and unique after Create
  std::optional<ConditionGroup> when = std::nullopt;
  std::uint64_t version = 1;
  base::Timestamp created_at = {};
  base::Timestamp updated_at = {};
  std::string updated_by = {};
  // Of a segment whose keys are kept apart (there are too many to go with it): both lists are empty here, and this says
  // how many there are. Such a segment is never evaluated.
  std::optional<SegmentKeyCounts> kept_apart = std::nullopt;
  friend bool operator==(const SegmentFields&, const SegmentFields&) = default;
};
class Segment {
 public:
  // A segment may not refer to segments. Error: kInvalidArgument or kTooLarge with the JSON path.
  static base::Result<Segment> Create(SegmentFields fields);
  const SegmentFields& operator*() const { return fields_; }
  const SegmentFields* operator->() const { return &fields_; }
  friend bool operator==(const Segment&, const Segment&) = default;

 private:
  explicit Segment(SegmentFields fields) : fields_(std::move(fields)) {}
  SegmentFields fields_;
};

// Sorts the keys and drops repeated ones. Error: kInvalidArgument or kTooLarge naming `field` and the position.
base::Status CheckSegmentKeys(std::vector<std::string>& keys, std::string_view field);
// Bytes of their text, one more for each: what the limits of a segment's keys count.
std::size_t SegmentKeyTextBytes(const std::vector<std::string>& keys);

// What one tenant gets from one flag, whatever the rules say.
struct OverrideFields {
  std::string environment;
  std::string flag_key;
  std::string tenant_id;
  std::string variation;  // `{"enabled": true|false}` means the flag's default or off variation
  std::uint64_t version = 1;
  base::Timestamp updated_at = {};
  std::string updated_by = {};
  friend bool operator==(const OverrideFields&, const OverrideFields&) = default;
};
class Override {
 public:
  static base::Result<Override> Create(OverrideFields fields);
  const OverrideFields& operator*() const { return fields_; }
  const OverrideFields* operator->() const { return &fields_; }
  friend bool operator==(const Override&, const Override&) = default;

 private:
  explicit Override(OverrideFields fields) : fields_(std::move(fields)) {}
  OverrideFields fields_;
};

// Whom a kill switch turns off. Text form, in paths and JSON: "global", "flag:KEY", "tenant:ID", "owner:NAME".
class KillScope {
 public:
  enum class Kind : std::uint8_t { kGlobal, kFlag, kTenant, kOwner };
  // Error: kInvalidArgument naming `field`.
  static base::Result<KillScope> Parse(std::string_view text, std::string_view field = "scope");
  static base::Result<KillScope> Create(Kind kind, std::string_view id, std::string_view field = "scope");
  Kind kind() const { return kind_; }
  const std::string& id() const { return id_; }  // empty for global
  std::string Text() const;
  friend bool operator==(const KillScope&, const KillScope&) = default;

 private:
  KillScope(Kind kind, std::string id) : kind_(kind), id_(std::move(id)) {}
  Kind kind_;
  std::string id_;
};

// An engaged kill switch. Releasing it removes it.
struct KillSwitchFields {
  std::string environment;
  KillScope scope;
  std::string reason;
  std::uint64_t version = 1;
  base::Timestamp engaged_at = {};
  std::string engaged_by = {};
  friend bool operator==(const KillSwitchFields&, const KillSwitchFields&) = default;
};
class KillSwitch {
 public:
  static base::Result<KillSwitch> Create(KillSwitchFields fields);
  const KillSwitchFields& operator*() const { return fields_; }
  const KillSwitchFields* operator->() const { return &fields_; }
  friend bool operator==(const KillSwitch&, const KillSwitch&) = default;

 private:
  explicit KillSwitch(KillSwitchFields fields) : fields_(std::move(fields)) {}
  KillSwitchFields fields_;
};

struct TenantFields {
  std::string tenant_id;
  std::string name = {};
  std::string plan = {};
  std::uint64_t version = 1;
  base::Timestamp created_at = {};
  base::Timestamp updated_at = {};
  std::string updated_by = {};
  friend bool operator==(const TenantFields&, const TenantFields&) = default;
};
class Tenant {
 public:
  static base::Result<Tenant> Create(TenantFields fields);
  const TenantFields& operator*() const { return fields_; }
  const TenantFields* operator->() const { return &fields_; }
  friend bool operator==(const Tenant&, const Tenant&) = default;

 private:
  explicit Tenant(TenantFields fields) : fields_(std::move(fields)) {}
  TenantFields fields_;
};

enum class KeyKind : std::uint8_t { kAdmin, kServer, kClient };
std::string_view NameOf(KeyKind kind);  // "admin", "server", "client"
std::optional<KeyKind> KeyKindFromName(std::string_view name);

// What is stored of an API key: never the secret, only its keyed hash.
struct ApiKeyFields {
  std::string key_id;
  KeyKind kind = KeyKind::kServer;
  std::string name = {};
  std::optional<std::string> environment = std::nullopt;  // required for server and client keys; admin: absent = all
  std::optional<std::string> tenant_id = std::nullopt;
  std::string secret_hash = {};  // hex of HMAC-SHA-256
  std::uint64_t version = 1;
  base::Timestamp created_at = {};
  std::string created_by = {};
  base::Timestamp updated_at = {};
  std::string updated_by = {};
  std::optional<base::Timestamp> expires_at = std::nullopt;
  std::optional<base::Timestamp> revoked_at = std::nullopt;
  std::optional<std::string> replaced_by = std::nullopt;       // key id of the key that rotation made
  std::optional<base::Timestamp> last_used_at = std::nullopt;  // coarse: written at most once an hour
  friend bool operator==(const ApiKeyFields&, const ApiKeyFields&) = default;
};
class ApiKey {
 public:
  static base::Result<ApiKey> Create(ApiKeyFields fields);
  const ApiKeyFields& operator*() const { return fields_; }
  const ApiKeyFields* operator->() const { return &fields_; }
  friend bool operator==(const ApiKey&, const ApiKey&) = default;

 private:
  explicit ApiKey(ApiKeyFields fields) : fields_(std::move(fields)) {}
  ApiKeyFields fields_;
};

}  // namespace guidon::model
