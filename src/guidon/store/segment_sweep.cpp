// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "guidon/base/log.hpp"
#include "guidon/store/codec.hpp"
#include "guidon/store/item_fields.hpp"
#include "guidon/store/item_reader.hpp"
#include "guidon/store/keys.hpp"
#include "guidon/store/segment_keys.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

using base::Result;

Result<SegmentWork> DecodeWork(const Item& item) {
  ItemReader in(item);
  const auto key = in.KeyParts("PK", "SEGMENT", 2);
  const auto sort = in.KeyParts("SK", "PARTS", 1);
  SegmentWork work{.environment = in.SameText("environment", key[0]),
                   .segment_key = in.SameText("segmentKey", key[1]),
                   .revision = sort[0],
                   .started_at = in.Time("startedAt")};
  return in.Finish([&] { return Result<SegmentWork>(std::move(work)); });
}

// Parts that the segment's item does not name and that were written before `cutoff`.
Result<std::vector<Key>> LeftoversOf(Table& table, const model::Environment& env, const model::SegmentKey& segment,
                                     base::Timestamp cutoff) {
  GUIDON_ASSIGN(const GetResult read, table.Get(SegmentItemKey(env, segment), Consistency::kStrong));
  std::set<Key> named;
  if (read.item) {
    // What cannot be read may name anything.
    GUIDON_ASSIGN(const SegmentHead head, DecodeSegment(*read.item));
    for (Key& key : PartKeysOf(head)) named.insert(std::move(key));
  }
  std::vector<Key> leftovers;
  Query query{.partition = SegmentPartition(env, segment),
              .sort = SortKeyBeginsWith{std::string(kSegmentPartSortPrefix)},
              .limit = kQueryLimitMax,
              .consistency = Consistency::kStrong};
  while (true) {
    GUIDON_ASSIGN(auto page, table.RunQuery(query));
    for (const Item& item : page.items) {
      const AttributeValue* at = item.Find("writtenAt");
      const auto written = at != nullptr && at->AsString() != nullptr
                               ? base::ParseTimestamp(*at->AsString())
                               : base::Result<base::Timestamp>(base::Timestamp{});
      Key key = KeyOf(item);
      if (written && *written < cutoff && !named.contains(key)) leftovers.push_back(std::move(key));
    }
    if (!page.next) return leftovers;
    query.start_after = std::move(page.next);
  }
}

Result<std::size_t> CleanUpAfter(Table& table, const SegmentWork& work, base::Timestamp cutoff) {
  GUIDON_ASSIGN(const auto env, model::Environment::Parse(work.environment));
  GUIDON_ASSIGN(const auto segment, model::SegmentKey::Parse(work.segment_key));
  GUIDON_ASSIGN(const auto leftovers, LeftoversOf(table, env, segment, cutoff));
  GUIDON_TRY(RemoveItems(table, leftovers));
  GUIDON_TRY(RemoveItems(table, {SegmentWorkKey(env, segment, work.revision)}));
  return leftovers.size();
}

}  // namespace

Put PutSegmentWork(const SegmentWork& work) {
  const auto env = *model::Environment::Parse(work.environment);
  ItemBuilder item;
  SetKey(item, SegmentWorkKey(env, *model::SegmentKey::Parse(work.segment_key), work.revision));
  SetIndexKey(item, Index::kGsi1Flags, SegmentWorkByTime(env, work.started_at, work.revision));
  item.Set("segmentKey", work.segment_key);
  item.Set("environment", work.environment);
  item.Set("startedAt", base::FormatTimestamp(work.started_at));
  return {.item = std::move(item).Done()};
}

Result<std::size_t> SweepSegmentParts(Table& table, const model::Environment& env, base::Timestamp now) {
  const base::Timestamp cutoff = now - kSegmentLeftoverAge;
  if (cutoff < base::Timestamp{}) return 0;
  std::size_t removed = 0;
  Query query{.index = Index::kGsi1Flags,
              .partition = SegmentsIndexPartition(env),
              .sort = SortKeyBetween{std::string(kSegmentWorkSortPrefix), SegmentWorkByTime(env, cutoff, "").sort}};
  while (true) {
    GUIDON_ASSIGN(auto page, table.RunQuery(query));
    for (const Item& item : page.items) {
      const auto work = DecodeWork(item);
      const auto cleaned = work && work->environment == env.str() ? CleanUpAfter(table, *work, cutoff)
                           : work                                 ? Result<std::size_t>(0)
                                                                  : std::unexpected(work.error());
      if (cleaned) {
        removed += *cleaned;
      } else {
        base::Log(base::LogLevel::kWarn, "Parts that a write of a segment left behind could not be removed.",
                  {{"environment", env.str()}, {"error", std::string_view(cleaned.error().message)}});
      }
    }
    if (!page.next) return removed;
    query.start_after = std::move(page.next);
  }
}

}  // namespace guidon::store
