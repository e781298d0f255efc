// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/attribute.hpp"
#include "guidon/upkeep/entity.hpp"

namespace guidon::upkeep {

// SHA-256 of the item, the same for equal items however their numbers are written ("1E2", "100").
std::string ItemDigest(const store::Item& item);

// How many items there are and what they hold, whatever order they came in: the digests added up as numbers of 256
// bits. (Added, where exclusive or would not see an item that is there twice.)
struct Sum {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;  // by DynamoDB's rule for item sizes
  std::array<std::uint64_t, 4> digest = {};
  void Add(const store::Item& item);
  Sum& operator+=(const Sum& other);
  std::string DigestText() const;  // 64 hex digits
  friend bool operator==(const Sum&, const Sum&) = default;
};

// A sum for each entity. Not thread-safe.
class Sums {
 public:
  void Add(Entity entity, const store::Item& item) { by_entity_[entity].Add(item); }
  Sums& operator+=(const Sums& other);
  Sum Total() const;
  const std::map<Entity, Sum>& by_entity() const { return by_entity_; }
  model::Value ToValue() const;  // {"flag":{"items":1,"bytes":2,"digest":"…"},…}
  // Error: kCorrupt.
  static base::Result<Sums> From(const model::Value& value);
  friend bool operator==(const Sums&, const Sums&) = default;

 private:
  std::map<Entity, Sum> by_entity_;
};

}  // namespace guidon::upkeep
