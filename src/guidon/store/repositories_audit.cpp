// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "guidon/store/codec.hpp"
#include "guidon/store/paging.hpp"
#include "guidon/store/repositories.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

// Entries a page of the whole audit looks at, so that a filter that matches nothing cannot run on for ever.
constexpr std::size_t kAuditEntriesPerPageMax = 5000;
constexpr std::size_t kDateBytes = 10;
// The character after '#': above every "{time}#…" and below every later time.
constexpr char kAfterTime = '$';
constexpr base::Timestamp kLatest =
    std::chrono::sys_days{std::chrono::year{10000} / 1 / 1} - std::chrono::milliseconds{1};

// The query with its texts as entries hold them, and its times within what entries can have.
AuditQuery Normal(const AuditQuery& query) {
  AuditQuery normal = query;
  for (std::string* text : {&normal.scope, &normal.resource, &normal.actor, &normal.tenant_id})
    *text = CleanAuditText(*text);
  normal.from = std::max(query.from, base::Timestamp{});
  normal.to = query.to == base::Timestamp{} ? kLatest : std::min(query.to, kLatest);
  return normal;
}

bool Matches(const AuditQuery& query, const AuditRecord& record) {
  return (query.scope.empty() || record.scope == query.scope) &&
         (query.resource.empty() || record.resource == query.resource) &&
         (query.actor.empty() || record.actor_id == query.actor) &&
         (query.tenant_id.empty() || record.tenant_id == query.tenant_id) && record.at >= query.from &&
         record.at <= query.to;
}

// Whose entries the index was asked for, and what they must say themselves.
struct IndexChoice {
  Query query;
  std::string_view attribute;
};

IndexChoice ChooseIndex(const AuditQuery& query) {
  const std::string from = base::FormatTimestamp(query.from);
  const std::string to = base::FormatTimestamp(query.to);
  if (!query.resource.empty()) {
    return {{.index = Index::kGsi1Flags,
             .partition = AuditResourcePartition(AuditKeyPart(query.scope), AuditKeyPart(query.resource)),
             .sort = SortKeyBetween{from, to},
             .forward = false},
            "resource"};
  }
  if (!query.actor.empty()) {
    return {{.index = Index::kGsi2Owner,
             .partition = AuditActorPartition(AuditKeyPart(query.actor)),
             .sort = SortKeyBetween{from, to},
             .forward = false},
            "actorId"};
  }
  const std::string tenant = AuditKeyPart(query.tenant_id);
  return {{.index = Index::kGsi3Tenant,
           .partition = AuditByTenant(tenant, query.from).partition,
           .sort = SortKeyBetween{AuditByTenant(tenant, query.from).sort, AuditByTenant(tenant, query.to).sort},
           .forward = false},
          "tenantId"};
}

bool SaysSo(const AuditQuery& query, const AuditRecord& record, std::string_view attribute) {
  if (attribute == "resource") return record.resource == query.resource && record.scope == query.scope;
  if (attribute == "actorId") return record.actor_id == query.actor;
  return record.tenant_id == query.tenant_id;
}

Result<Page<AuditRecord>> ListByIndex(Table& table, const AuditQuery& query, const PageRequest& request) {
  const IndexChoice choice = ChooseIndex(query);
  return ReadPage<AuditRecord>(table, choice.query, request,
                               [&](const std::vector<Item>& items, Page<AuditRecord>& page) -> Status {
                                 for (const Item& item : items) {
                                   auto record = DecodeAudit(item);
                                   if (!record) {
                                     LeaveOut(item, record.error(), page.unreadable);
                                   } else if (!SaysSo(query, *record, choice.attribute)) {
                                     LeaveOut(item, Contradiction(choice.attribute), page.unreadable);
                                   } else if (Matches(query, *record)) {
                                     page.items.push_back(*std::move(record));
                                   }
                                 }
                                 return {};
                               });
}

// Where a page of the whole audit goes on: after this entry in the order newest first, then by shard.
struct AuditPoint {
  std::string sort;
  unsigned shard = kAuditShards;
};

// One shard of one day, newest first.
class ShardStream {
 public:
  ShardStream(Table& table, std::string_view date, unsigned shard, std::string low, const AuditPoint& after)
      : table_(table),
        query_{.partition = AuditPartition(date, shard),
               .sort = SortKeyBetween{std::move(low), after.sort},
               .forward = false,
               .consistency = Consistency::kStrong},
        after_(after),
        shard_(shard) {}

  // Reads on where nothing is left to look at. Call before Newest().
  Status Fill(std::size_t limit) {
    while (items_.empty() && !done_) {
      query_.limit = limit;
      GUIDON_ASSIGN(QueryPage read, table_.RunQuery(query_));
      for (Item& item : read.items)
        if (IsAfter(SortOf(item))) items_.push_back(std::move(item));
      done_ = !read.next.has_value();
      query_.start_after = std::move(read.next);
    }
    return {};
  }
  const Item* Newest() const { return items_.empty() ? nullptr : &items_.front(); }
  std::string_view NewestSort() const { return items_.empty() ? std::string_view{} : SortOf(items_.front()); }
  void Pop() { items_.pop_front(); }
  unsigned shard() const { return shard_; }

 private:
  static std::string_view SortOf(const Item& item) { return *item.Find("SK")->AsString(); }
  bool IsAfter(std::string_view sort) const {
    return sort < after_.sort || (sort == after_.sort && shard_ > after_.shard);
  }

  Table& table_;
  Query query_;
  const AuditPoint& after_;
  unsigned shard_;
  bool done_ = false;
  std::deque<Item> items_;
};

// Reads the whole audit backwards, day by day, each day's shards merged.
class DayReader {
 public:
  DayReader(Table& table, const AuditQuery& query, std::size_t limit) : table_(table), query_(query), limit_(limit) {}

  Result<Page<AuditRecord>> Read(AuditPoint start) {
    point_ = std::move(start);
    const std::string first = base::FormatDate(query_.from);
    std::string date = point_.sort.substr(0, kDateBytes);
    for (int days = 0; days < kAuditDaysPerPage && date >= first; ++days) {
      GUIDON_ASSIGN(const bool whole_day, ReadDay(date));
      if (!whole_day) {
        page_.next_cursor = CursorAt(point_);
        return std::move(page_);
      }
      point_ = {.sort = date};  // before all entries of this day
      date = DayBefore(date);
    }
    if (date >= first && !date.empty()) page_.next_cursor = CursorAt(point_);
    return std::move(page_);
  }

  static std::string PartitionOf(const AuditQuery& query) { return "AUDIT#DAYS#" + query.scope; }

  static Result<AuditPoint> PointAt(const AuditQuery& query, const std::string& cursor) {
    GUIDON_ASSIGN(const Position position, DecodeCursor(cursor, Index::kTable, PartitionOf(query)));
    const std::string& text = position.key.sk;
    const bool has_date = text.size() > kDateBytes && base::ParseDate(text.substr(1, kDateBytes)).has_value();
    if (!has_date || text[0] < '0' || text[0] > static_cast<char>('0' + kAuditShards))
      return Fail(ErrorCode::kInvalidArgument, "the cursor belongs to another list", "cursor");
    return AuditPoint{.sort = text.substr(1), .shard = static_cast<unsigned>(text[0] - '0')};
  }

 private:
  std::string CursorAt(const AuditPoint& point) const {
    const std::string partition = PartitionOf(query_);
    return EncodeCursor(Index::kTable, partition, {.key = {partition, std::to_string(point.shard) + point.sort}});
  }

  static std::string DayBefore(const std::string& date) {
    const auto day = base::ParseDate(date);
    if (!day || *day == base::Timestamp{}) return {};
    return base::FormatDate(*day - std::chrono::days{1});
  }

  // False where the page is full, or enough was looked at: `point_` is the last entry seen.
  Result<bool> ReadDay(const std::string& date) {
    const AuditPoint start = point_;
    std::vector<ShardStream> shards;
    shards.reserve(kAuditShards);
    for (unsigned shard = 0; shard < kAuditShards; ++shard)
      shards.emplace_back(table_, date, shard, base::FormatTimestamp(query_.from), start);
    while (true) {
      for (ShardStream& shard : shards) GUIDON_TRY(shard.Fill(limit_ - page_.items.size()));
      // The first of equals: the lowest shard.
      ShardStream& newest = *std::ranges::max_element(shards, {}, &ShardStream::NewestSort);
      if (newest.Newest() == nullptr) return true;
      point_ = {.sort = std::string(newest.NewestSort()), .shard = newest.shard()};
      Append(*newest.Newest());
      newest.Pop();
      if (page_.items.size() >= limit_ || ++seen_ >= kAuditEntriesPerPageMax) return false;
    }
  }

  void Append(const Item& item) {
    auto record = DecodeAudit(item);
    if (!record) {
      LeaveOut(item, record.error(), page_.unreadable);
    } else if (Matches(query_, *record)) {
      page_.items.push_back(*std::move(record));
    }
  }

  Table& table_;
  const AuditQuery& query_;
  std::size_t limit_;
  std::size_t seen_ = 0;
  AuditPoint point_;
  Page<AuditRecord> page_;
};

Result<Page<AuditRecord>> ListByDay(Table& table, const AuditQuery& query, const PageRequest& request) {
  GUIDON_TRY(CheckLimit(request));
  AuditPoint start{.sort = base::FormatTimestamp(query.to) + kAfterTime};
  if (!request.cursor.empty()) {
    GUIDON_ASSIGN(AuditPoint point, DayReader::PointAt(query, request.cursor));
    if (point.sort < start.sort) start = std::move(point);
  }
  if (start.sort < base::FormatTimestamp(query.from)) return Page<AuditRecord>{};
  return DayReader(table, query, request.limit).Read(std::move(start));
}

}  // namespace

Result<Page<AuditRecord>> Repository::ListAudit(const AuditQuery& query, const PageRequest& page) {
  if (!query.resource.empty() && query.scope.empty())
    return Fail(ErrorCode::kInvalidArgument, "must be given together with a resource", "environment");
  const AuditQuery normal = Normal(query);
  if (normal.to < normal.from) return Page<AuditRecord>{};
  const bool indexed = !query.resource.empty() || !query.actor.empty() || !query.tenant_id.empty();
  if (indexed) return ListByIndex(table_, normal, page);
  if (query.to == base::Timestamp{})
    return Fail(ErrorCode::kInvalidArgument, "must be given where the whole audit is read", "to");
  return ListByDay(table_, normal, page);
}

}  // namespace guidon::store
