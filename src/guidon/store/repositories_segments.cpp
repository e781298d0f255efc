// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <utility>

#include "guidon/base/text.hpp"
#include "guidon/store/codec.hpp"
#include "guidon/store/paging.hpp"
#include "guidon/store/repositories.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Result;

// Parts that were read once are not read again, so each attempt has less to do than the one before.
constexpr int kReadAttemptsMax = 16;
constexpr char kKeyCursorVersion = 'k';

bool IsMissingPart(const base::Error& error) { return error.code == ErrorCode::kCorrupt && error.field == "keys"; }

bool SameParts(const SegmentHead& a, const SegmentHead& b) {
  return a.index.has_value() == b.index.has_value() && (!a.index || a.index->revision == b.index->revision);
}

// Calls `read(head)`, again with a newer head where a part was gone since the segment has changed. Nothing where there
// is no segment.
template <class Read>
auto ReadWhole(Repository& repository, const model::Environment& env, const model::SegmentKey& segment, Read read)
    -> Result<std::optional<typename decltype(read(std::declval<const SegmentHead&>()))::value_type>> {
  GUIDON_ASSIGN(auto head, repository.GetSegmentHead(env, segment));
  for (int attempt = 0; attempt < kReadAttemptsMax; ++attempt) {
    if (!head) return std::nullopt;
    auto whole = read(*head);
    if (whole) return std::optional(*std::move(whole));
    if (!IsMissingPart(whole.error())) return std::unexpected(std::move(whole).error());
    GUIDON_ASSIGN(auto now, repository.GetSegmentHead(env, segment));
    if (now && SameParts(*head, *now)) return std::unexpected(std::move(whole).error());
    head = std::move(now);
  }
  return base::Fail(ErrorCode::kUnavailable, "The segment kept changing while it was read. Try again.");
}

std::string CursorAfter(SegmentList list, const std::string& key) {
  std::string text(1, kKeyCursorVersion);
  text += list == SegmentList::kIncluded ? 'i' : 'e';
  return base::ToBase64Url(text + key);
}

Result<std::string> AfterOf(const std::string& cursor, SegmentList list) {
  if (cursor.empty()) return std::string();
  auto text = base::FromBase64Url(cursor);
  const char expected = list == SegmentList::kIncluded ? 'i' : 'e';
  if (!text || text->size() < 3 || (*text)[0] != kKeyCursorVersion || (*text)[1] != expected)
    return base::Fail(ErrorCode::kInvalidArgument,
                      "the cursor is not one that this list gave out; ask for the first page without it", "cursor");
  return text->substr(2);
}

}  // namespace

Result<std::optional<SegmentHead>> Repository::GetSegmentHead(const model::Environment& env,
                                                              const model::SegmentKey& segment) {
  return ReadOne<SegmentHead>(table_, SegmentItemKey(env, segment), DecodeSegment);
}

Result<std::optional<model::Segment>> Repository::GetSegment(const model::Environment& env,
                                                             const model::SegmentKey& segment) {
  SegmentPartCache cache;
  return ReadWhole(*this, env, segment, [&](const SegmentHead& head) { return LoadSegmentKeys(table_, head, &cache); });
}

Result<Page<SegmentHead>> Repository::ListSegments(const model::Environment& env, const PageRequest& page) {
  const Query query{.index = Index::kGsi1Flags,
                    .partition = SegmentsIndexPartition(env),
                    .sort = SortKeyBeginsWith{std::string(kCreationSortPrefix)},
                    .forward = false};
  return ReadEach<SegmentHead>(table_, query, page, [&](const Item& item) -> Result<SegmentHead> {
    GUIDON_ASSIGN(SegmentHead segment, DecodeSegment(item));
    if (segment->environment != env.str()) return std::unexpected(Contradiction("environment"));
    return segment;
  });
}

Result<std::optional<Page<std::string>>> Repository::ListSegmentKeys(const model::Environment& env,
                                                                     const model::SegmentKey& segment, SegmentList list,
                                                                     std::string_view prefix, const PageRequest& page) {
  GUIDON_TRY(CheckLimit(page));
  GUIDON_ASSIGN(const std::string after, AfterOf(page.cursor, list));
  return ReadWhole(*this, env, segment, [&](const SegmentHead& head) -> Result<Page<std::string>> {
    GUIDON_ASSIGN(KeysPage keys, ReadSegmentKeys(table_, head, list, prefix, after, page.limit));
    Page<std::string> found{.items = std::move(keys.keys)};
    if (keys.more) found.next_cursor = CursorAfter(list, found.items.back());
    return found;
  });
}

}  // namespace guidon::store
