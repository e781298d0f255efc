// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/metered_table.hpp"

#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace guidon::store {
namespace {

// Answers what it is told to.
class ScriptedTable final : public Table {
 public:
  bool applied = true;
  bool fails = false;

  base::Result<GetResult> Get(const Key&, Consistency) override {
    return Answer(GetResult{.item = {}, .consumed = {.read = 0.5}});
  }
  base::Result<WriteResult> PutItem(const Put&) override { return Answer(Written(1)); }
  base::Result<WriteResult> UpdateItem(const Update&) override { return Answer(Written(2)); }
  base::Result<WriteResult> DeleteItem(const Delete&) override { return Answer(Written(3)); }
  base::Result<QueryPage> RunQuery(const Query&) override {
    return Answer(QueryPage{.items = {}, .next = {}, .consumed = {.read = 7.5}});
  }
  base::Result<BatchGetResult> BatchGet(std::span<const Key>, Consistency) override {
    return Answer(BatchGetResult{.items = {}, .unprocessed = {}, .consumed = {.read = 4}});
  }
  base::Result<BatchWriteResult> BatchWrite(std::span<const BatchWriteOperation>) override {
    return Answer(BatchWriteResult{.unprocessed = {}, .consumed = {.write = 25}});
  }
  base::Result<TransactionResult> Transact(std::span<const TransactionOperation>, std::string_view) override {
    return Answer(TransactionResult{.committed = applied, .consumed = {.write = 8}});
  }
  base::Status Ping() override {
    if (fails) return base::Fail(base::ErrorCode::kUnavailable, "down");
    return {};
  }

 private:
  WriteResult Written(double units) const { return {.applied = applied, .consumed = {.write = units}}; }
  template <class T>
  base::Result<T> Answer(T answer) const {
    if (fails) return base::Fail(base::ErrorCode::kUnavailable, "down");
    return answer;
  }
};

void CallEach(Table& table) {
  (void)table.Get({"p", "s"});
  (void)table.PutItem({});
  (void)table.UpdateItem({});
  (void)table.DeleteItem({});
  (void)table.RunQuery({.partition = "p"});
  (void)table.BatchGet({});
  (void)table.BatchWrite({});
  (void)table.Transact({});
}

std::vector<TableOperation> AllOperations() {
  std::vector<TableOperation> all;
  for (std::size_t i = 0; i < kTableOperationCount; ++i) all.push_back(static_cast<TableOperation>(i));
  return all;
}

TEST(MeteredTable, CountsCallsUnitsAndLatencyOfEachOperation) {
  ScriptedTable inner;
  MeteredTable metered(inner);
  CallEach(metered);
  CallEach(metered);
  const std::vector<CapacityUnits> once = {{.read = 0.5}, {.write = 1}, {.write = 2},  {.write = 3},
                                           {.read = 7.5}, {.read = 4},  {.write = 25}, {.write = 8}};
  for (const TableOperation operation : AllOperations()) {
    SCOPED_TRACE(NameOf(operation));
    const TableOperationFigures figures = metered.FiguresOf(operation);
    EXPECT_EQ(figures.calls, 2U);
    EXPECT_EQ(figures.errors, 0U);
    EXPECT_EQ(figures.conditions_failed, 0U);
    EXPECT_EQ(figures.read_units, 2 * once[static_cast<std::size_t>(operation)].read);
    EXPECT_EQ(figures.write_units, 2 * once[static_cast<std::size_t>(operation)].write);
    EXPECT_GT(figures.seconds, 0);
    EXPECT_EQ(std::accumulate(figures.latency.begin(), figures.latency.end(), std::uint64_t{0}), 2U);
  }
}

TEST(MeteredTable, CountsErrorsAndPassesThemOn) {
  ScriptedTable inner;
  inner.fails = true;
  MeteredTable metered(inner);
  CallEach(metered);
  EXPECT_EQ(metered.Get({"p", "s"}, Consistency::kStrong).error().code, base::ErrorCode::kUnavailable);
  EXPECT_EQ(metered.Ping().error().code, base::ErrorCode::kUnavailable);
  for (const TableOperation operation : AllOperations()) {
    const TableOperationFigures figures = metered.FiguresOf(operation);
    EXPECT_EQ(figures.errors, operation == TableOperation::kGet ? 2U : 1U);
    EXPECT_EQ(figures.read_units + figures.write_units, 0);
  }
}

TEST(MeteredTable, CountsWritesThatDidNotHappenApartFromErrors) {
  ScriptedTable inner;
  inner.applied = false;
  MeteredTable metered(inner);
  CallEach(metered);
  for (const TableOperation operation :
       {TableOperation::kPut, TableOperation::kUpdate, TableOperation::kDelete, TableOperation::kTransact}) {
    EXPECT_EQ(metered.FiguresOf(operation).conditions_failed, 1U);
    EXPECT_EQ(metered.FiguresOf(operation).errors, 0U);
  }
  EXPECT_EQ(metered.FiguresOf(TableOperation::kQuery).conditions_failed, 0U);
  EXPECT_EQ(metered.FiguresOf(TableOperation::kTransact).write_units, 8);  // a refusal costs as well
}

TEST(MeteredTable, NamesOperationsAsDynamoDbDoes) {
  EXPECT_EQ(NameOf(TableOperation::kGet), "GetItem");
  EXPECT_EQ(NameOf(TableOperation::kBatchWrite), "BatchWriteItem");
  EXPECT_EQ(NameOf(TableOperation::kTransact), "TransactWriteItems");
}

}  // namespace
}  // namespace guidon::store
