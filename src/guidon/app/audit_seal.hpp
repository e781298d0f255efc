// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "guidon/store/records.hpp"
#include "guidon/store/table.hpp"

namespace guidon::app {

// The form of sealed entries that this version writes (docs/adr/0023).
inline constexpr std::uint64_t kAuditHashVersion = 1;

// Makes and checks the hashes of audit entries: base64url(HMAC-SHA-256(key, SealedText(item))), the key derived from
// the secret under which keys are hashed. Whoever has the table and not the secret can make none. Immutable and
// thread-safe.
class AuditSeal {
 public:
  explicit AuditSeal(std::string_view secret);

  std::string HashOf(const store::Item& item) const;
  // Whether the entry is as it was written; false where it is in no chain.
  bool Holds(const store::Item& item) const;
  // The write of an entry (store::PutAudit of it), sealed; `record.hash` becomes its hash. What links it to its chain
  // must be set.
  store::Put Put(store::AuditRecord& record) const;

 private:
  std::string key_;
};

}  // namespace guidon::app
