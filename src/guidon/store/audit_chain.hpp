// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/keys.hpp"
#include "guidon/store/table.hpp"

// Audit entries as links of chains (docs/adr/0023).
namespace guidon::store {

inline constexpr std::string_view kAuditHashAttribute = "hash";

// What the hash of an audit entry is made over (form 1): all attributes of its item but `hash`, as DynamoDB's JSON,
// names in byte order, without white space; escapes are those of RFC 8785.
std::string SealedText(const Item& item);

// Where a reading of audit entries goes on: in the partitions of `date`, with the first sort key not below `sort`.
struct AuditPlace {
  std::string date;
  std::string sort = {};
  friend bool operator==(const AuditPlace&, const AuditPlace&) = default;
};

// Reads the items of all audit entries, oldest first, whatever they say, day by day with the shards of each merged.
// Strongly consistent. Not thread-safe; does not own the table.
class AuditReader {
 public:
  AuditReader(Table& table, AuditPlace begin, base::Timestamp end);  // `end` is inclusive

  // The items of the next moment (a time in milliseconds), or none where a day has come to its end. False, and nothing
  // read, where all days have. Errors: those of the table.
  base::Result<bool> Next(std::vector<Item>& items);
  // What Next would read: another reader goes on from there.
  AuditPlace place() const;

 private:
  struct Shard {
    Query query;
    std::deque<Item> items;
    bool done = false;
  };
  void OpenDay();
  base::Status Fill(Shard& shard);
  static std::string_view MomentOf(const Item& item);

  Table& table_;
  AuditPlace place_;
  const std::string last_date_;
  const std::string last_sort_;
  std::vector<Shard> shards_;
};

}  // namespace guidon::store
