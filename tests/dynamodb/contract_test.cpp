// SPDX-License-Identifier: Apache-2.0
// The contract suite over DynamoTable against the emulator that runs at GUIDON_TEST_DYNAMODB_ENDPOINT. What that
// emulator, named by GUIDON_TEST_DYNAMODB_EMULATOR, is known not to do is declared here.
#include <atomic>
#include <cstdlib>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "guidon/store/cached_table.hpp"
#include "guidon/store/table_contract.hpp"
#include "guidon/store_dynamodb/dynamo_table.hpp"
#include "guidon/store_dynamodb/table_admin.hpp"
#include "tests/dynamodb/emulators.hpp"
#include "tests/dynamodb/service.hpp"

namespace guidon::store {
namespace {

using dynamodb_test::Service;

Service& SharedService() {
  static Service service(dynamodb_test::Endpoint());
  return service;
}

// A table of its own in the emulator, deleted afterwards.
class DynamoUnderTest final : public TableUnderTest {
 public:
  DynamoUnderTest() : table_(SharedService().client(), NextName(), clock_) {
    const auto made = store_dynamodb::CreateTable(SharedService().client(), table_.name(), {});
    EXPECT_TRUE(made.has_value()) << made.error().message;
    if (made) EXPECT_TRUE(made->problems.empty() || dynamodb_test::EmulatorName() == "dynalite");
  }
  ~DynamoUnderTest() override {
    const auto gone = store_dynamodb::DeleteTable(SharedService().client(), table_.name());
    EXPECT_TRUE(gone.has_value()) << gone.error().message;
  }
  Table& table() override { return table_; }
  base::ManualClock& clock() override { return clock_; }

 private:
  static std::string NextName() {
    static std::atomic<int> count{0};
    return fmt::format("contract-{}-{}", getpid(), count.fetch_add(1));
  }
  base::ManualClock clock_{kContractStart};
  store_dynamodb::DynamoTable table_;
};

// The same behind a cache of items. Its query cache is left out: it is not told of writes, which is what it promises.
class CachedUnderTest final : public TableUnderTest {
 public:
  Table& table() override { return cached_; }
  base::ManualClock& clock() override { return dynamo_.clock(); }

 private:
  DynamoUnderTest dynamo_;
  CachedTable cached_{dynamo_.table(), dynamo_.clock(), {.items_max = 50, .queries_max = 0}};
};

std::map<std::string, std::string> DifferencesOfCache() {
  auto differences = dynamodb_test::DifferencesOf(dynamodb_test::EmulatorName());
  for (const char* test : {"GetCostsAUnitForEachFourKilobytesBegun", "BatchesCostTheSumOfTheirParts"})
    differences.emplace(test, "what the cache holds costs nothing");
  return differences;
}

INSTANTIATE_TEST_SUITE_P(Cached, TableContract,
                         testing::Values(TableContractFactory{dynamodb_test::EmulatorName(),
                                                              [] { return std::make_unique<CachedUnderTest>(); }, false,
                                                              DifferencesOfCache()}),
                         TableContractName);

INSTANTIATE_TEST_SUITE_P(DynamoDb, TableContract,
                         testing::Values(TableContractFactory{
                             dynamodb_test::EmulatorName(), [] { return std::make_unique<DynamoUnderTest>(); }, false,
                             dynamodb_test::DifferencesOf(dynamodb_test::EmulatorName())}),
                         TableContractName);

// A declared difference of a test that is not there hides nothing and means nothing.
TEST(Differences, NameTestsOfTheSuite) {
  std::set<std::string> names;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int k = 0; k < suite.total_test_count(); ++k) {
      const std::string name = suite.GetTestInfo(k)->name();
      names.insert(name.substr(0, name.find('/')));
    }
  }
  for (const auto& [name, reason] : dynamodb_test::DifferencesOf(dynamodb_test::EmulatorName())) {
    EXPECT_TRUE(names.contains(name)) << name;
    EXPECT_FALSE(reason.empty()) << name;
  }
}

}  // namespace
}  // namespace guidon::store
