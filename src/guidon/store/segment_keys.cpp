// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/segment_keys.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>

#include <fmt/format.h>

#include "guidon/base/text.hpp"
#include "guidon/model/limits.hpp"
#include "guidon/store/keys.hpp"
#include "guidon/store/paging.hpp"
#include "guidon/store/segment_parts.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

// Read together. DynamoDB gives 16 MB at a time, and a part is 256 KB at most.
constexpr std::size_t kBytesPerRead = 8UL * 1024 * 1024;

std::string SortKeyOf(const SegmentPart& part, const SegmentPlace& place) {
  return SegmentPartKey(place.environment, place.segment, part.revision, part.number).sk;
}

Result<std::vector<std::string>> DecodePart(const Item& item, const SegmentPart& part, const SegmentPlace& place) {
  const AttributeValue* keys = item.Find("keys");
  const AttributeList* list = keys != nullptr ? keys->AsList() : nullptr;
  std::vector<std::string> out;
  out.reserve(part.keys);
  if (list != nullptr) {
    for (const AttributeValue& key : *list) {
      if (key.AsString() == nullptr) break;
      out.push_back(*key.AsString());
    }
  }
  if (out.size() == part.keys && (list == nullptr || out.size() == list->size()) &&
      SegmentPartChecksum(place.list, out) == part.checksum)
    return out;
  return Fail(ErrorCode::kCorrupt,
              fmt::format("The part {} of the segment's keys is damaged: it is not what the segment's item says. "
                          "Restore the item from a backup, or upload the keys of the segment again.",
                          SortKeyOf(part, place)),
              "keys");
}

base::Error MissingPart(const SegmentPart& part, const SegmentPlace& place) {
  return {.code = ErrorCode::kCorrupt,
          .message = fmt::format("The part {} of the segment's keys is missing. Restore the item from a backup, or "
                                 "upload the keys of the segment again.",
                                 SortKeyOf(part, place)),
          .field = "keys"};
}

// Parts [first, last) into the cache.
Status ReadPortion(Table& table, const SegmentPlace& place, std::span<const SegmentPart* const> parts,
                   Consistency consistency, SegmentPartCache& cache) {
  std::vector<Key> keys;
  for (const SegmentPart* part : parts)
    keys.push_back(SegmentPartKey(place.environment, place.segment, part->revision, part->number));
  GUIDON_ASSIGN(const auto items, ReadItems(table, keys, consistency));
  std::map<std::string_view, const Item*> by_sort;
  for (const Item& item : items) by_sort.emplace(*item.Find("SK")->AsString(), &item);
  for (const SegmentPart* part : parts) {
    std::string sort = SortKeyOf(*part, place);
    const auto found = by_sort.find(sort);
    if (found == by_sort.end()) continue;
    GUIDON_ASSIGN(auto decoded, DecodePart(*found->second, *part, place));
    cache.insert_or_assign(std::move(sort), std::move(decoded));
  }
  return {};
}

Status ReadMissing(Table& table, const SegmentPlace& place, std::span<const SegmentPart* const> parts,
                   Consistency consistency, SegmentPartCache& cache) {
  std::vector<const SegmentPart*> wanted;
  std::size_t bytes = 0;
  for (const SegmentPart* part : parts) {
    if (cache.contains(SortKeyOf(*part, place))) continue;
    if (wanted.size() == kBatchGetItemsMax || (bytes + part->bytes > kBytesPerRead && !wanted.empty())) {
      GUIDON_TRY(ReadPortion(table, place, wanted, consistency, cache));
      wanted.clear();
      bytes = 0;
    }
    wanted.push_back(part);
    bytes += part->bytes;
  }
  return wanted.empty() ? Status{} : ReadPortion(table, place, wanted, consistency, cache);
}

SegmentPlace PlaceOf(const SegmentHead& head, SegmentList list) {
  return {.environment = *model::Environment::Parse(head->environment),
          .segment = *model::SegmentKey::Parse(head->segment_key),
          .list = list};
}

Result<std::vector<std::string>> LoadList(Table& table, const SegmentPlace& place, const SegmentKeyList& list,
                                          SegmentPartCache& cache) {
  std::vector<const SegmentPart*> parts;
  for (const SegmentPart& part : list.parts) parts.push_back(&part);
  GUIDON_TRY(ReadSegmentParts(table, place, parts, cache));
  std::vector<std::string> keys;
  keys.reserve(list.count());
  for (const SegmentPart& part : list.parts) {
    const std::vector<std::string>& some = cache.find(SortKeyOf(part, place))->second;
    keys.insert(keys.end(), some.begin(), some.end());
  }
  return keys;
}

}  // namespace

std::size_t SegmentKeyList::count() const {
  return std::accumulate(parts.begin(), parts.end(), std::size_t{0},
                         [](std::size_t sum, const SegmentPart& part) { return sum + part.keys; });
}

std::size_t SegmentKeyList::bytes() const {
  return std::accumulate(parts.begin(), parts.end(), std::size_t{0},
                         [](std::size_t sum, const SegmentPart& part) { return sum + part.bytes; });
}

std::string_view NameOf(SegmentList list) { return list == SegmentList::kIncluded ? "included" : "excluded"; }

std::uint64_t SegmentPartChecksum(SegmentList list, const std::vector<std::string>& keys) {
  std::string bytes(NameOf(list));
  bytes.reserve(bytes.size() + model::SegmentKeyTextBytes(keys) + 8 * keys.size());
  for (const std::string& key : keys) {
    bytes += '#' + std::to_string(key.size()) + ':';
    bytes += key;
  }
  return base::Fnv1a64(bytes);
}

// Parts never change, so a cheap read is as good as a strong one, except that it may not see the newest yet.
Status ReadSegmentParts(Table& table, const SegmentPlace& place, std::span<const SegmentPart* const> parts,
                        SegmentPartCache& cache) {
  GUIDON_TRY(ReadMissing(table, place, parts, Consistency::kEventual, cache));
  GUIDON_TRY(ReadMissing(table, place, parts, Consistency::kStrong, cache));
  for (const SegmentPart* part : parts) {
    if (!cache.contains(SortKeyOf(*part, place))) return std::unexpected(MissingPart(*part, place));
  }
  return {};
}

const std::vector<std::string>& KeysOfPart(const SegmentPlace& place, const SegmentPart& part,
                                           const SegmentPartCache& cache) {
  return cache.find(SortKeyOf(part, place))->second;
}

Result<model::Segment> LoadSegmentKeys(Table& table, const SegmentHead& head, SegmentPartCache* cache) {
  if (!head.index) return head.segment;
  SegmentPartCache own;
  SegmentPartCache& parts = cache != nullptr ? *cache : own;
  model::SegmentFields fields = *head.segment;
  fields.kept_apart.reset();
  GUIDON_ASSIGN(fields.included, LoadList(table, PlaceOf(head, SegmentList::kIncluded), head.index->included, parts));
  GUIDON_ASSIGN(fields.excluded, LoadList(table, PlaceOf(head, SegmentList::kExcluded), head.index->excluded, parts));
  const std::size_t included = fields.included.size();
  const std::size_t excluded = fields.excluded.size();
  auto segment = model::Segment::Create(std::move(fields));
  if (segment && (*segment)->included.size() == included && (*segment)->excluded.size() == excluded) return segment;
  return Fail(ErrorCode::kCorrupt, "The parts of the segment's keys do not fit together.", "keys");
}

Status WriteSegmentParts(Table& table, const std::vector<Item>& parts) {
  std::vector<BatchWriteOperation> operations;
  operations.reserve(parts.size());
  for (const Item& part : parts) operations.push_back({part});
  return WriteItems(table, std::move(operations));
}

Status RemoveItems(Table& table, const std::vector<Key>& keys) {
  std::vector<BatchWriteOperation> operations;
  operations.reserve(keys.size());
  for (const Key& key : keys) operations.push_back({key});
  return WriteItems(table, std::move(operations));
}

std::vector<Key> PartKeysOf(const SegmentHead& head) {
  std::vector<Key> keys;
  if (!head.index) return keys;
  const SegmentPlace place = PlaceOf(head, SegmentList::kIncluded);
  for (const SegmentKeyList* list : {&head.index->included, &head.index->excluded}) {
    for (const SegmentPart& part : list->parts)
      keys.push_back(SegmentPartKey(place.environment, place.segment, part.revision, part.number));
  }
  return keys;
}

namespace {

// Takes what fits from sorted `keys`; true once there is nothing more to look for.
bool TakeKeys(const std::vector<std::string>& keys, std::string_view prefix, std::string_view after, std::size_t limit,
              KeysPage& page) {
  auto at =
      after.empty() || after < prefix ? std::ranges::lower_bound(keys, prefix) : std::ranges::upper_bound(keys, after);
  for (; at != keys.end(); ++at) {
    if (!at->starts_with(prefix)) return true;
    if (page.keys.size() == limit) {
      page.more = true;
      return true;
    }
    page.keys.push_back(*at);
  }
  return false;
}

}  // namespace

Result<KeysPage> ReadSegmentKeys(Table& table, const SegmentHead& head, SegmentList list, std::string_view prefix,
                                 std::string_view after, std::size_t limit) {
  KeysPage page;
  const bool included = list == SegmentList::kIncluded;
  if (!head.index) {
    TakeKeys(included ? head->included : head->excluded, prefix, after, limit, page);
    return page;
  }
  const auto& parts = included ? head.index->included.parts : head.index->excluded.parts;
  const SegmentPlace place = PlaceOf(head, list);
  const std::string_view start = after < prefix ? prefix : after;
  // The last part that does not begin behind the start.
  auto part = std::ranges::upper_bound(parts, start, {}, &SegmentPart::from);
  if (part != parts.begin()) --part;
  for (; part != parts.end(); ++part) {
    SegmentPartCache cache;
    const SegmentPart* const one = &*part;
    GUIDON_TRY(ReadSegmentParts(table, place, std::span(&one, 1), cache));
    if (TakeKeys(KeysOfPart(place, *part, cache), prefix, after, limit, page)) break;
  }
  return page;
}

}  // namespace guidon::store
