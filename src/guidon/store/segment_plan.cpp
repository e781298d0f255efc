// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "guidon/base/random.hpp"
#include "guidon/model/limits.hpp"
#include "guidon/store/item_fields.hpp"
#include "guidon/store/keys.hpp"
#include "guidon/store/segment_keys.hpp"
#include "guidon/store/segment_parts.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using Keys = std::vector<std::string>;
using KeySpan = std::span<const std::string>;

// Parts grow by this where the index would become too large.
constexpr std::size_t kGrowth = 4;
constexpr std::size_t kPartBytesMax = 256UL * 1024;

// A stretch of the new list: a part as it is, or keys that will be written.
struct Piece {
  const SegmentPart* kept = nullptr;
  Keys keys = {};
};

KeySpan Below(KeySpan& keys, const std::string* limit) {
  const auto end = limit == nullptr ? keys.end() : std::ranges::lower_bound(keys, *limit);
  const KeySpan below(keys.begin(), end);
  keys = KeySpan(end, keys.end());
  return below;
}

// Shortest text that is above `before` and not above `first`.
std::string Between(const std::string& before, const std::string& first) {
  const auto differs = std::ranges::mismatch(before, first).in2;
  return std::string(first.begin(), differs == first.end() ? differs : differs + 1);
}

// Turns one list into what it is to become, touching as few parts as it can.
class ListEditor {
 public:
  ListEditor(Table& table, SegmentPlace place, const SegmentKeyList* parts, const Keys& together)
      : table_(table), place_(std::move(place)), parts_(parts), together_(together) {}

  Status Apply(KeysChange change) {
    if (change.kind == KeysChange::Kind::kReplace) {
      GUIDON_ASSIGN(const Keys present, All());
      KeysChange edit{.kind = KeysChange::Kind::kEdit};
      std::ranges::set_difference(change.add, present, std::back_inserter(edit.add));
      std::ranges::set_difference(present, change.add, std::back_inserter(edit.remove));
      change = std::move(edit);
    }
    if (parts_ == nullptr) {
      Keys after = Merge(together_, change.add, change.remove);
      if (!after.empty()) pieces_.push_back({.keys = std::move(after)});
      return {};
    }
    GUIDON_TRY(EditParts(change));
    return Consolidate();
  }

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Piece& piece : pieces_) sum += BytesOf(piece);
    return sum;
  }
  std::size_t count() const {
    std::size_t sum = 0;
    for (const Piece& piece : pieces_) sum += piece.kept != nullptr ? piece.kept->keys : piece.keys.size();
    return sum;
  }
  // Every key of the new list.
  Result<Keys> Whole() {
    GUIDON_TRY(Read([](const Piece& piece) { return piece.kept; }, pieces_));
    Keys all;
    all.reserve(count());
    for (const Piece& piece : pieces_) {
      const Keys& some = piece.kept != nullptr ? KeysOfPart(place_, *piece.kept, cache_) : piece.keys;
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }
  // Makes every part anew.
  Status Rewrite() {
    GUIDON_ASSIGN(Keys all, Whole());
    pieces_.clear();
    if (!all.empty()) pieces_.push_back({.keys = std::move(all)});
    return {};
  }
  const std::vector<Piece>& pieces() const { return pieces_; }
  const SegmentPlace& place() const { return place_; }
  KeysDelta TakeDelta() { return std::move(delta_); }

 private:
  static std::size_t BytesOf(const Piece& piece) {
    return piece.kept != nullptr ? piece.kept->bytes : model::SegmentKeyTextBytes(piece.keys);
  }

  template <class PartOf, class Range>
  Status Read(PartOf part_of, const Range& range) {
    std::vector<const SegmentPart*> wanted;
    for (const auto& each : range) {
      if (const SegmentPart* part = part_of(each)) wanted.push_back(part);
    }
    return ReadSegmentParts(table_, place_, wanted, cache_);
  }

  Result<Keys> All() {
    if (parts_ == nullptr) return together_;
    GUIDON_TRY(Read([](const SegmentPart& part) { return &part; }, parts_->parts));
    Keys all;
    all.reserve(parts_->count());
    for (const SegmentPart& part : parts_->parts) {
      const Keys& some = KeysOfPart(place_, part, cache_);
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }

  // The keys after the change, and what of it is one into the delta.
  Keys Merge(const Keys& before, KeySpan add, KeySpan remove) {
    Keys removed;
    std::ranges::set_intersection(before, remove, std::back_inserter(removed));
    Keys added;
    std::ranges::set_difference(add, before, std::back_inserter(added));
    Keys rest;
    const Keys* left = &before;
    if (!removed.empty()) {
      rest.reserve(before.size());
      std::ranges::set_difference(before, removed, std::back_inserter(rest));
      left = &rest;
    }
    Keys after;
    after.reserve(left->size() + added.size());
    std::ranges::merge(*left, added, std::back_inserter(after));
    std::ranges::move(added, std::back_inserter(delta_.added));
    std::ranges::move(removed, std::back_inserter(delta_.removed));
    return after;
  }

  Status EditParts(const KeysChange& change) {
    const auto& parts = parts_->parts;
    struct Share {
      const SegmentPart* part;
      KeySpan add, remove;
    };
    std::vector<Share> shares;
    KeySpan add(change.add);
    KeySpan remove(change.remove);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string* limit = i + 1 < parts.size() ? &parts[i + 1].from : nullptr;
      shares.push_back({.part = &parts[i], .add = Below(add, limit), .remove = Below(remove, limit)});
    }
    GUIDON_TRY(Read([](const Share& share) { return share.add.empty() && share.remove.empty() ? nullptr : share.part; },
                    shares));
    for (const Share& share : shares) {
      if (share.add.empty() && share.remove.empty()) {
        pieces_.push_back({.kept = share.part});
        continue;
      }
      const std::size_t changes = delta_.added.size() + delta_.removed.size();
      Keys after = Merge(KeysOfPart(place_, *share.part, cache_), share.add, share.remove);
      if (delta_.added.size() + delta_.removed.size() == changes) {
        pieces_.push_back({.kept = share.part});
      } else {
        pieces_.push_back({.keys = std::move(after)});
      }
    }
    if (parts.empty()) pieces_.push_back({.keys = Merge({}, change.add, change.remove)});
    return {};
  }

  // Puts what was touched together with its neighbours: no part stays small for ever.
  Status Consolidate() {
    std::vector<Piece> out;
    Keys run;
    bool running = false;
    const auto is_small = [&] { return model::SegmentKeyTextBytes(run) < kSegmentPartBytes / 4; };
    const auto flush = [&]() -> Status {
      if (std::exchange(running, false) && is_small() && !run.empty() && !out.empty() && out.back().kept != nullptr) {
        GUIDON_TRY(Read([](const SegmentPart* part) { return part; }, std::span(&out.back().kept, 1)));
        const Keys& before = KeysOfPart(place_, *out.back().kept, cache_);
        run.insert(run.begin(), before.begin(), before.end());
        out.pop_back();
      }
      if (!run.empty()) out.push_back({.keys = std::exchange(run, {})});
      return {};
    };
    for (Piece& piece : pieces_) {
      if (piece.kept == nullptr) {
        running = true;
        std::ranges::move(piece.keys, std::back_inserter(run));
      } else if (running && is_small() && !run.empty()) {
        GUIDON_TRY(Read([](const SegmentPart* part) { return part; }, std::span(&piece.kept, 1)));
        const Keys& next = KeysOfPart(place_, *piece.kept, cache_);
        run.insert(run.end(), next.begin(), next.end());
      } else {
        GUIDON_TRY(flush());
        out.push_back(std::move(piece));
      }
    }
    GUIDON_TRY(flush());
    pieces_ = std::move(out);
    return {};
  }

  Table& table_;
  SegmentPlace place_;
  const SegmentKeyList* parts_;
  const Keys& together_;
  SegmentPartCache cache_;
  std::vector<Piece> pieces_;
  KeysDelta delta_;
};

// The new parts of both lists under one revision.
class PartWriter {
 public:
  PartWriter(std::string revision, base::Timestamp now, std::size_t part_bytes)
      : revision_(std::move(revision)), now_(now), part_bytes_(part_bytes) {}

  SegmentKeyList Write(const ListEditor& list) {
    SegmentKeyList out;
    const std::string* before = nullptr;  // the last key so far, where it is known
    for (const Piece& piece : list.pieces()) {
      if (piece.kept != nullptr) {
        out.parts.push_back(*piece.kept);
        before = nullptr;
        continue;
      }
      for (const KeySpan chunk : Cut(piece.keys)) {
        out.parts.push_back(PartOf(list.place(), chunk));
        // Behind a part that was not read its last key is not known: all of the first key is above it.
        if (out.parts.size() > 1)
          out.parts.back().from = before == nullptr ? chunk.front() : Between(*before, chunk.front());
        before = &chunk.back();
      }
    }
    if (!out.parts.empty()) out.parts.front().from.clear();
    return out;
  }
  std::vector<Item> TakeItems() { return std::move(items_); }
  bool empty() const { return items_.empty(); }

 private:
  // Pieces of about the same size, none of them small.
  std::vector<KeySpan> Cut(const Keys& keys) const {
    const std::size_t bytes = model::SegmentKeyTextBytes(keys);
    const std::size_t count = bytes <= 2 * part_bytes_ ? 1 : (bytes + part_bytes_ - 1) / part_bytes_;
    std::vector<KeySpan> chunks;
    std::size_t begin = 0;
    std::size_t taken = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      taken += keys[i].size() + 1;
      if (taken * count < bytes * (chunks.size() + 1) && i + 1 < keys.size()) continue;
      chunks.push_back(KeySpan(keys).subspan(begin, i + 1 - begin));
      begin = i + 1;
    }
    return chunks;
  }

  SegmentPart PartOf(const SegmentPlace& place, KeySpan span) {
    const Keys keys(span.begin(), span.end());
    SegmentPart part{.from = {},
                     .revision = revision_,
                     .number = number_++,
                     .keys = static_cast<std::uint32_t>(keys.size()),
                     .bytes = static_cast<std::uint32_t>(model::SegmentKeyTextBytes(keys)),
                     .checksum = SegmentPartChecksum(place.list, keys)};
    ItemBuilder item;
    SetKey(item, SegmentPartKey(place.environment, place.segment, revision_, part.number));
    item.Set("segmentKey", place.segment.str());
    item.Set("environment", place.environment.str());
    item.Set("list", NameOf(place.list));
    item.Set("keys", AttributeList(keys.begin(), keys.end()));
    item.Set("writtenAt", base::FormatTimestamp(now_));
    items_.push_back(std::move(item).Done());
    return part;
  }

  std::string revision_;
  base::Timestamp now_;
  std::size_t part_bytes_;
  std::uint32_t number_ = 0;
  std::vector<Item> items_;
};

Status CheckCount(const ListEditor& list) {
  if (list.count() <= model::kSegmentKeysMax) return {};
  return base::Fail(ErrorCode::kTooLarge,
                    fmt::format("would hold {} keys; at most {} are allowed", list.count(), model::kSegmentKeysMax),
                    std::string(NameOf(list.place().list)));
}

std::vector<Key> Without(std::vector<Key> keys, std::vector<Key> kept) {
  std::ranges::sort(keys);
  std::ranges::sort(kept);
  std::vector<Key> left;
  std::ranges::set_difference(keys, kept, std::back_inserter(left));
  return left;
}

// Writes both lists as parts, larger ones where the index would not fit.
Result<SegmentPlan> PlanApart(const SegmentHead* current, model::SegmentFields next, ListEditor& included,
                              ListEditor& excluded, base::Timestamp now) {
  const std::string revision = base::RandomId();
  for (std::size_t part_bytes = kSegmentPartBytes;; part_bytes *= kGrowth) {
    PartWriter writer(revision, now, part_bytes);
    SegmentIndex index{.revision = revision, .included = writer.Write(included), .excluded = writer.Write(excluded)};
    const std::size_t bytes =
        EncodeSegmentParts(index.included.parts).size() + EncodeSegmentParts(index.excluded.parts).size();
    if (bytes > kSegmentIndexBytesMax && part_bytes < kPartBytesMax) {
      GUIDON_TRY(included.Rewrite());
      GUIDON_TRY(excluded.Rewrite());
      continue;
    }
    if (current != nullptr && current->index) {
      const bool same_parts = index.included.parts == current->index->included.parts &&
                              index.excluded.parts == current->index->excluded.parts;
      if (same_parts) index.revision = current->index->revision;
      index.included.digest = current->index->included.digest;
      index.excluded.digest = current->index->excluded.digest;
    }
    next.kept_apart = model::SegmentKeyCounts{.included = included.count(), .excluded = excluded.count()};
    GUIDON_ASSIGN(model::Segment segment, model::Segment::Create(std::move(next)));
    SegmentPlan plan{.head = SegmentHead(std::move(segment), std::move(index)),
                     .included = included.TakeDelta(),
                     .excluded = excluded.TakeDelta(),
                     .revision = revision,
                     .new_parts = writer.TakeItems()};
    if (current != nullptr) plan.replaced_parts = Without(PartKeysOf(*current), PartKeysOf(plan.head));
    return plan;
  }
}

}  // namespace

Result<SegmentPlan> PlanSegment(Table& table, const SegmentHead* current, model::SegmentFields next,
                                SegmentChanges changes, base::Timestamp now) {
  static const Keys kNone;
  GUIDON_ASSIGN(const auto environment, model::Environment::Parse(next.environment));
  GUIDON_ASSIGN(const auto segment, model::SegmentKey::Parse(next.segment_key));
  const bool apart = current != nullptr && current->index.has_value();
  ListEditor included(table, {environment, segment, SegmentList::kIncluded},
                      apart ? &current->index->included : nullptr, current == nullptr ? kNone : (*current)->included);
  ListEditor excluded(table, {environment, segment, SegmentList::kExcluded},
                      apart ? &current->index->excluded : nullptr, current == nullptr ? kNone : (*current)->excluded);
  GUIDON_TRY(included.Apply(std::move(changes.included)));
  GUIDON_TRY(excluded.Apply(std::move(changes.excluded)));
  GUIDON_TRY(CheckCount(included));
  GUIDON_TRY(CheckCount(excluded));
  const std::size_t bytes = included.bytes() + excluded.bytes();
  if (bytes > model::kSegmentKeyTextBytesMax)
    return base::Fail(ErrorCode::kTooLarge,
                      fmt::format("would hold keys of {} bytes together with the excluded ones; at most {} are allowed",
                                  bytes, model::kSegmentKeyTextBytesMax),
                      "included");
  next.kept_apart.reset();
  next.included.clear();
  next.excluded.clear();
  if (bytes > model::kSegmentKeyTextBytesTogetherMax)
    return PlanApart(current, std::move(next), included, excluded, now);
  GUIDON_ASSIGN(next.included, included.Whole());
  GUIDON_ASSIGN(next.excluded, excluded.Whole());
  GUIDON_ASSIGN(model::Segment whole, model::Segment::Create(std::move(next)));
  SegmentPlan plan{
      .head = SegmentHead(std::move(whole)), .included = included.TakeDelta(), .excluded = excluded.TakeDelta()};
  if (current != nullptr) plan.replaced_parts = PartKeysOf(*current);
  return plan;
}

}  // namespace guidon::store
