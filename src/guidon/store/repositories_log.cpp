// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <string>
#include <utility>

#include "guidon/store/codec.hpp"
#include "guidon/store/paging.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

using base::Result;

// The character after '#': above every "{time}#…" and below every later time.
constexpr std::string_view kAfterTime = "$";

}  // namespace

Result<std::uint64_t> Repository::ChangeHead(std::string_view scope) {
  GUIDON_ASSIGN(const LogHead head, ReadLogHead(scope));
  return head.sequence;
}

Result<LogHead> Repository::ReadLogHead(std::string_view scope) {
  GUIDON_ASSIGN(auto head, ReadOne<LogHead>(table_, ChangeHeadKey(scope), DecodeChangeHead));
  return std::move(head).value_or(LogHead{});
}

Result<std::map<std::string, std::uint64_t, std::less<>>> Repository::ChangeHeads() {
  std::map<std::string, std::uint64_t, std::less<>> heads;
  Query query{.index = Index::kGsi1Flags, .partition = std::string(kChangeHeadsIndexPartition), .limit = kPageLimitMax};
  while (true) {
    GUIDON_ASSIGN(QueryPage page, table_.RunQuery(query));
    for (const Item& item : page.items) {
      const AttributeValue* scope = item.Find(AttributesOf(query.index).sort);
      const AttributeValue* key = item.Find("PK");
      const auto head = DecodeChangeHead(item);
      // Whatever else somebody put into this partition of the index is no head.
      if (head && scope->AsString() != nullptr && *key->AsString() == ChangesPartition(*scope->AsString()))
        heads.emplace(*scope->AsString(), head->sequence);
    }
    if (!page.next) return heads;
    query.start_after = std::move(page.next);
  }
}

Result<Page<ChangeRecord>> Repository::ListChangesAfter(std::string_view scope, std::uint64_t sequence,
                                                        const PageRequest& page) {
  GUIDON_TRY(CheckLimit(page));
  constexpr auto kLast = std::numeric_limits<std::uint64_t>::max();
  if (sequence == kLast) return Page<ChangeRecord>{};
  // The upper end keeps out the head counter, which sorts after all numbers.
  const Query query{.partition = ChangesPartition(scope),
                    .sort = SortKeyBetween{SequenceText(sequence + 1), SequenceText(kLast)},
                    .consistency = Consistency::kStrong};
  return ReadEach<ChangeRecord>(table_, query, page, DecodeChange);
}

Result<std::vector<NodeRecord>> Repository::ListNodes(Consistency consistency) {
  const Query query{.partition = std::string(kNodesPartition), .consistency = consistency};
  std::vector<NodeRecord> nodes;
  PageRequest request{.limit = kPageLimitMax, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(auto page, ReadEach<NodeRecord>(table_, query, request, DecodeNode));
    for (NodeRecord& node : page.items) nodes.push_back(std::move(node));
    if (!page.next_cursor) return nodes;
    request.cursor = *std::move(page.next_cursor);
  }
}

Result<std::optional<IdempotencyRecord>> Repository::GetIdempotency(std::string_view owner, std::string_view key) {
  return ReadOne<IdempotencyRecord>(table_, IdempotencyItemKey(owner, key), DecodeIdempotency);
}

Result<Page<EvaluationLogRecord>> Repository::ListEvaluationsOfFlag(const model::Environment& env,
                                                                    const model::FlagKey& flag, base::Timestamp from,
                                                                    base::Timestamp to, const PageRequest& page) {
  GUIDON_TRY(CheckLimit(page));
  if (to < from) return Page<EvaluationLogRecord>{};
  const std::string prefix(kEvaluationSortPrefix);
  const Query query{.partition = FlagPartition(env, flag),
                    .sort = SortKeyBetween{prefix + base::FormatTimestamp(from),
                                           prefix + base::FormatTimestamp(to) + std::string(kAfterTime)},
                    .forward = false};
  return ReadEach<EvaluationLogRecord>(table_, query, page, DecodeEvaluation);
}

Result<Page<EvaluationLogRecord>> Repository::ListEvaluationsOfDay(const model::Environment& env, base::Timestamp day,
                                                                   const PageRequest& page) {
  const std::string date = base::FormatDate(day);
  const Query query{.index = Index::kGsi1Flags,
                    .partition = EvaluationsIndexPartition(env, date),
                    .sort = SortKeyBeginsWith{std::string(kFlagSortPrefix)}};
  return ReadEach<EvaluationLogRecord>(table_, query, page, [&](const Item& item) -> Result<EvaluationLogRecord> {
    GUIDON_ASSIGN(EvaluationLogRecord record, DecodeEvaluation(item));
    if (record.environment != env.str()) return std::unexpected(Contradiction("environment"));
    if (base::FormatDate(record.at) != date) return std::unexpected(Contradiction("GSI1PK"));
    return record;
  });
}

base::Status Repository::PutEvaluations(std::span<const EvaluationLogRecord> records) {
  std::map<Key, Item> items;
  for (const EvaluationLogRecord& record : records) {
    Item item = EncodeEvaluation(record);
    Key key = KeyOf(item);
    items.insert_or_assign(std::move(key), std::move(item));
  }
  std::vector<BatchWriteOperation> writes;
  writes.reserve(items.size());
  for (auto& [key, item] : items) writes.push_back({std::move(item)});
  return WriteItems(table_, std::move(writes));
}

Result<Page<UsageRecord>> Repository::ListUsage(const model::Environment& env, const model::FlagKey& flag,
                                                base::Timestamp from, base::Timestamp to, const PageRequest& page) {
  GUIDON_TRY(CheckLimit(page));
  if (to < from) return Page<UsageRecord>{};
  const std::string prefix(kUsageHourSortPrefix);
  const Query query{.partition = UsagePartition(env, flag),
                    .sort = SortKeyBetween{prefix + base::FormatTimestamp(from),
                                           prefix + base::FormatTimestamp(to) + std::string(kAfterTime)}};
  return ReadEach<UsageRecord>(table_, query, page, DecodeUsage);
}

Result<Page<LastUsage>> Repository::ListLastUsage(const model::Environment& env, const model::FlagKey& first,
                                                  const model::FlagKey& last, const PageRequest& page) {
  GUIDON_TRY(CheckLimit(page));
  if (last < first) return Page<LastUsage>{};
  const Query query{.index = Index::kGsi1Flags,
                    .partition = LastUsageIndexPartition(env),
                    .sort = SortKeyBetween{LastUsageByFlag(env, first).sort, LastUsageByFlag(env, last).sort}};
  return ReadEach<LastUsage>(table_, query, page, [&](const Item& item) { return DecodeLastUsage(item, env); });
}

base::Status Repository::PutUsage(std::span<const UsageRecord> records) {
  std::vector<BatchWriteOperation> writes;
  writes.reserve(records.size());
  for (const UsageRecord& record : records) writes.push_back({EncodeUsage(record)});
  return WriteItems(table_, std::move(writes));
}

Result<std::optional<LastUsage>> Repository::GetLastUsage(const model::Environment& env, const model::FlagKey& flag) {
  return ReadOne<LastUsage>(table_, LastUsageItemKey(env, flag),
                            [&](const Item& item) { return DecodeLastUsage(item, env); });
}

Result<Page<AbTestRecord>> Repository::ListAbTests(const model::Environment& env, const PageRequest& page) {
  const Query query{.index = Index::kGsi1Flags,
                    .partition = AbTestsIndexPartition(env),
                    .sort = SortKeyBeginsWith{std::string(kAbTestSortPrefix)},
                    .forward = false};
  return ReadEach<AbTestRecord>(table_, query, page, [&](const Item& item) -> Result<AbTestRecord> {
    GUIDON_ASSIGN(AbTestRecord test, DecodeAbTest(item));
    if (test.environment.empty()) test.environment = env.str();
    if (test.environment != env.str()) return std::unexpected(Contradiction("environment"));
    return test;
  });
}

Result<Page<AbAssignmentRecord>> Repository::ListAssignmentsOfUser(std::string_view user_id, const PageRequest& page) {
  if (user_id.empty()) return base::Fail(base::ErrorCode::kInvalidArgument, "must name the user", "userId");
  const Query query{.index = Index::kGsi1Flags,
                    .partition = UserIndexPartition(user_id),
                    .sort = SortKeyBeginsWith{std::string(kAssignmentIndexSortPrefix)}};
  return ReadEach<AbAssignmentRecord>(table_, query, page, [&](const Item& item) -> Result<AbAssignmentRecord> {
    GUIDON_ASSIGN(AbAssignmentRecord assignment, DecodeAbAssignment(item));
    if (assignment.user_id != user_id) return std::unexpected(Contradiction("SK"));
    return assignment;
  });
}

}  // namespace guidon::store
