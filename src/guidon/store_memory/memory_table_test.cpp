// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_memory/memory_table.hpp"

#include <gtest/gtest.h>

#include "guidon/store/table_contract.hpp"

namespace guidon::store {
namespace {

class MemoryUnderTest final : public TableUnderTest {
 public:
  Table& table() override { return table_; }
  base::ManualClock& clock() override { return clock_; }

 private:
  base::ManualClock clock_{kContractStart};
  store_memory::MemoryTable table_{clock_};
};

INSTANTIATE_TEST_SUITE_P(Memory, TableContract,
                         testing::Values(TableContractFactory{"plain",
                                                              [] { return std::make_unique<MemoryUnderTest>(); }}),
                         TableContractName);

TEST(MemoryTable, AnswersPings) {
  MemoryUnderTest memory;
  EXPECT_TRUE(memory.table().Ping().has_value());
}

}  // namespace
}  // namespace guidon::store
