// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/ids.hpp"
#include "guidon/store/table.hpp"

// The keys of a segment, wherever they lie: in its item while they are few, else in parts beside it (docs/adr/0015).
//
// A list that is kept apart is sorted and cut into parts of some 16 KB, each an item that never changes. The segment's
// own item holds the index: where each part begins, which item it is, and a checksum. So whoever has read that item
// has one revision of the segment, whole or not at all; a change writes new items for the parts it touches, then the
// segment's item in its transaction, then removes what is no longer named. What a crash leaves behind is never read.
namespace guidon::store {

// Text of the keys of a part, each with one byte more. Small, so that a change of a few keys is cheap; large enough
// that the index stays a small part of the whole.
inline constexpr std::size_t kSegmentPartBytes = 16UL * 1024;
// The index of both lists, encoded. Leaves room in the item for conditions and all else. Where long keys make it
// larger, the parts grow (to 256 KB at most, with which everything that the model allows fits).
inline constexpr std::size_t kSegmentIndexBytesMax = 300UL * 1024;

// Where one part is and what it holds.
struct SegmentPart {
  std::string from;      // its keys are not below this, those of the part before are; empty in the first one
  std::string revision;  // of the write that made the item
  std::uint32_t number = 0;
  std::uint32_t keys = 0;
  std::uint32_t bytes = 0;  // of their text, as SegmentKeyTextBytes counts
  std::uint64_t checksum = 0;
  friend bool operator==(const SegmentPart&, const SegmentPart&) = default;
};

struct SegmentKeyList {
  std::vector<SegmentPart> parts;  // by `from`
  std::string digest = {};         // of the set of keys, for the audit; whoever writes the segment says what it is
  std::size_t count() const;
  std::size_t bytes() const;
  friend bool operator==(const SegmentKeyList&, const SegmentKeyList&) = default;
};

struct SegmentIndex {
  std::string revision;  // of the last write that touched parts: never the same for two states of the parts
  SegmentKeyList included;
  SegmentKeyList excluded;
  friend bool operator==(const SegmentIndex&, const SegmentIndex&) = default;
};

// What the item of a segment holds: all of a small one; of a large one everything but the keys, which `index` finds.
struct SegmentHead {
  SegmentHead(model::Segment whole) : segment(std::move(whole)) {}  // NOLINT(google-explicit-constructor)
  SegmentHead(model::Segment without_keys, SegmentIndex where)
      : segment(std::move(without_keys)), index(std::move(where)) {}
  const model::SegmentFields* operator->() const { return &*segment; }
  friend bool operator==(const SegmentHead&, const SegmentHead&) = default;

  model::Segment segment;                            // `kept_apart` says the same as `index`
  std::optional<SegmentIndex> index = std::nullopt;  // absent: the keys are in `segment`
};

enum class SegmentList : std::uint8_t { kIncluded, kExcluded };
std::string_view NameOf(SegmentList list);  // "included", "excluded"

// The index as one attribute, and back. Error: kCorrupt naming `field`.
std::string EncodeSegmentParts(const std::vector<SegmentPart>& parts);
base::Result<std::vector<SegmentPart>> DecodeSegmentParts(std::string_view bytes, std::string_view field);

// Parts that were read already, by sort key: they never change.
using SegmentPartCache = std::map<std::string, std::vector<std::string>, std::less<>>;

// The segment with all its keys. Error: kCorrupt naming "keys" where a part is missing or is not what the index says:
// then the item of the segment was read too long ago, or the segment is damaged. Never a segment with fewer keys.
base::Result<model::Segment> LoadSegmentKeys(Table& table, const SegmentHead& head, SegmentPartCache* cache = nullptr);

// What is to become of one list. Keys are sorted, each once (model::CheckSegmentKeys).
struct KeysChange {
  enum class Kind : std::uint8_t { kKeep, kEdit, kReplace };
  Kind kind = Kind::kKeep;
  std::vector<std::string> add = {};     // with kReplace: the whole list
  std::vector<std::string> remove = {};  // with kEdit, none of them in `add`
};
// What really changes in a list; sorted.
struct KeysDelta {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  bool empty() const { return added.empty() && removed.empty(); }
};

// A segment to be written. `new_parts` go first, then its item (PutSegment) in the transaction of the change; then
// `replaced_parts` can go.
struct SegmentPlan {
  SegmentHead head;
  KeysDelta included;
  KeysDelta excluded;
  std::string revision = {};  // of the new parts
  std::vector<Item> new_parts = {};
  std::vector<Key> replaced_parts = {};
};

struct SegmentChanges {
  KeysChange included;
  KeysChange excluded;
};

// Works out what a change of `current` (nullptr: a new segment) writes: reads and replaces the parts that it touches
// and leaves the others. `next`: the segment as it is to be, without keys. Digests are left to the caller. Errors:
// kTooLarge naming the list, kCorrupt as LoadSegmentKeys, those of model::Segment::Create and of the store.
base::Result<SegmentPlan> PlanSegment(Table& table, const SegmentHead* current, model::SegmentFields next,
                                      SegmentChanges changes, base::Timestamp now);

// Puts and deletes without conditions, in batches; what the backend leaves unprocessed is sent again.
base::Status WriteSegmentParts(Table& table, const std::vector<Item>& parts);
base::Status RemoveItems(Table& table, const std::vector<Key>& keys);

// Keys of a sorted list from `after` (exclusive) that begin with `prefix`, at most `limit`.
struct KeysPage {
  std::vector<std::string> keys;
  bool more = false;
};
base::Result<KeysPage> ReadSegmentKeys(Table& table, const SegmentHead& head, SegmentList list, std::string_view prefix,
                                       std::string_view after, std::size_t limit);

// The items of all parts that the index names.
std::vector<Key> PartKeysOf(const SegmentHead& head);

// A write of parts that has begun: whoever finds this long after knows that something may be left to clean up.
struct SegmentWork {
  std::string environment;
  std::string segment_key;
  std::string revision;
  base::Timestamp started_at = {};
};
Put PutSegmentWork(const SegmentWork& work);

// A write of parts is given up when it takes longer than this, and what is left of one is removed when it is a good
// deal older than that: clocks may differ, and be wrong by an hour.
inline constexpr std::chrono::minutes kSegmentWriteTimeMax{15};
inline constexpr std::chrono::hours kSegmentLeftoverAge{24};

// Removes parts that writes left behind which ended between two steps (a crash, a lost connection): those of segments
// with work that is older than kSegmentLeftoverAge. Returns how many items were removed. Errors: those of the store.
base::Result<std::size_t> SweepSegmentParts(Table& table, const model::Environment& env, base::Timestamp now);

}  // namespace guidon::store
