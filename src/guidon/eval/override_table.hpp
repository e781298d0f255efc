// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/eval/persistent_map.hpp"

namespace guidon::eval {

// The override items of one flag: tenant → number of a variation's name. Holds millions; a copy shares them.
class OverrideTable {
 public:
  void Set(std::string tenant_id, std::string_view variation);
  void Erase(std::string_view tenant_id);

  // Index into names().
  std::optional<std::uint32_t> Find(std::string_view tenant_id) const;
  // The same for a tenant whose hash is at hand; nullptr where there is none.
  const std::uint32_t* Find(std::string_view tenant_id, std::uint64_t tenant_hash) const {
    return by_tenant_.Find(tenant_id, tenant_hash);
  }
  // A variation's name that any override has named so far; few, because a flag's variations are few.
  struct Name {
    std::string text;
    std::size_t uses = 0;  // overrides that name it now
  };
  const std::vector<Name>& names() const { return names_; }
  // Names that some override names now.
  std::vector<std::string> UsedNames() const;
  std::size_t size() const { return by_tenant_.size(); }
  bool empty() const { return by_tenant_.empty(); }
  // Of the content, whatever the order in which it came. Stable over restarts.
  std::uint64_t digest() const { return digest_; }

 private:
  std::uint32_t NumberOf(std::string_view variation);
  // Takes the tenant's override out of the counts. False where there is none.
  bool Forget(std::string_view tenant_id);

  PersistentMap<std::uint32_t> by_tenant_;
  std::vector<Name> names_;
  std::uint64_t digest_ = 0;
};

}  // namespace guidon::eval
