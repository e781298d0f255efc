// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "guidon/base/time.hpp"

// What is stored beside the domain's own entities.
namespace guidon::store {

inline constexpr std::chrono::hours kChangeLogRetention{24 * 30};  // nodes further behind load everything
inline constexpr std::chrono::hours kIdempotencyRetention{24};
inline constexpr std::chrono::hours kEvaluationLogRetention{24 * 30};

// Who did what to what, with the state before and after as JSON (spec 6).
struct AuditRecord {
  base::Timestamp at = {};
  std::string request_id;
  std::string actor_id;    // key id, or "local"
  std::string actor_kind;  // "admin", "server", "client", "local", "system", "anonymous"
  std::optional<std::string> actor_tenant = std::nullopt;
  std::string address = {};  // of the peer, without port
  std::string user_agent = {};
  std::string action;                                   // "flag.create", "kill.engage", "access.refused" …
  std::string scope;                                    // environment, or kSystemScope
  std::string resource;                                 // flag key, "segment:KEY", "kill:SCOPE", "tenant:ID", "key:ID"
  std::optional<std::string> tenant_id = std::nullopt;  // whose thing it is
  std::uint64_t sequence = 0;                           // of the change log; 0 where nothing changed
  std::string before = {};                              // JSON; empty where there was nothing
  std::string after = {};                               // JSON; empty where nothing is left
  // Its place in a chain (docs/adr/0023): changes of a scope by `sequence`, refusals by `run` and `run_number`.
  std::uint64_t hash_version = 0;  // 0: in no chain
  std::string previous_hash = {};  // of the entry before; empty: the first of its chain
  std::string hash = {};           // of this entry
  std::string run = {};            // of the node that refused
  std::uint64_t run_number = 0;    // from 1
  friend bool operator==(const AuditRecord&, const AuditRecord&) = default;
};

// How far a change log has come, and with it the chain of audit entries of its scope.
struct LogHead {
  std::uint64_t sequence = 0;     // 0: no change yet
  std::string audit_hash = {};    // of the newest entry; empty: it is in no chain
  base::Timestamp audit_at = {};  // of the newest entry; meaningful with `audit_hash`
  friend bool operator==(const LogHead&, const LogHead&) = default;
};

// Times are inclusive. At most one of resource, actor, tenant_id is used as the index (in this order); the others
// filter.
struct AuditQuery {
  std::string scope = {};  // environment; "" = all (only without resource)
  std::string resource = {};
  std::string actor = {};
  std::string tenant_id = {};
  base::Timestamp from = {};
  base::Timestamp to = {};
};

enum class ChangeKind : std::uint8_t { kPut, kRemove };

// One entry of a change log: what changed, by key; readers fetch the present state.
struct ChangeRecord {
  std::string scope;
  std::uint64_t sequence = 0;
  base::Timestamp at = {};
  std::string action;  // as in the audit entry
  ChangeKind kind = ChangeKind::kPut;
  std::string entity;                     // "flag", "override", "segment", "kill", "tenant", "key"
  std::string resource;                   // flag key, segment key, scope text, tenant id or key id
  std::vector<std::string> tenants = {};  // with entity "override": whose
  std::uint64_t version = 0;
  std::string request_id = {};
  friend bool operator==(const ChangeRecord&, const ChangeRecord&) = default;
};

// A request that was carried out under an idempotency key.
struct IdempotencyRecord {
  std::string owner;        // credential id
  std::string key;          // as the client sent it
  std::string fingerprint;  // hex SHA-256 of action, resource and body
  std::string result;       // JSON of the entity after the change; empty after a removal
  std::uint64_t sequence = 0;
  base::Timestamp at = {};  // forgotten kIdempotencyRetention later
  friend bool operator==(const IdempotencyRecord&, const IdempotencyRecord&) = default;
};

// What a node says of itself to the others (docs/adr/0019).
struct NodeRecord {
  std::string node;
  base::Timestamp at = {};
  std::string report = {};       // JSON; app makes and reads it
  std::chrono::seconds kept{0};  // forgotten so long after `at`
  friend bool operator==(const NodeRecord&, const NodeRecord&) = default;
};

// One evaluation of those that a flag's rate picks. No user: the log holds nothing personal.
struct EvaluationLogRecord {
  std::string environment;
  std::string flag_key;
  std::string tenant_id;  // "" = none
  base::Timestamp at = {};
  std::string variation = {};
  std::string reason = {};
  friend bool operator==(const EvaluationLogRecord&, const EvaluationLogRecord&) = default;
};

struct AbTestRecord {
  std::string test_id;
  std::string environment = {};
  base::Timestamp created_at = {};
};

struct AbAssignmentRecord {
  std::string test_id;
  std::string user_id;
  std::string variation = {};
  base::Timestamp at = {};
};

}  // namespace guidon::store
