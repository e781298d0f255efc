// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "guidon/base/clock.hpp"
#include "guidon/store/table.hpp"

// The one suite that every Table passes. An adapter's test program links the CMake target guidon_store_contract and
// says once:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, TableContract, testing::Values(TableContractFactory{"plain", MakeMemory}),
//                            TableContractName);
namespace guidon::store {

// A fresh, empty table and the clock it goes by.
class TableUnderTest {
 public:
  TableUnderTest() = default;
  TableUnderTest(const TableUnderTest&) = delete;
  TableUnderTest& operator=(const TableUnderTest&) = delete;
  virtual ~TableUnderTest() = default;
  virtual Table& table() = 0;
  virtual base::ManualClock& clock() = 0;
  // Called between writing and reading in long tests: a chance to flush, compact or reopen, so that reads go another
  // way. Nothing may be seen of it.
  virtual void Shuffle() {}
};

struct TableContractFactory {
  std::string name;  // letters and digits
  std::function<std::unique_ptr<TableUnderTest>()> make;
  // False for a service, whose indexes follow later and whose queries are no snapshot: leaves out what only a table in
  // this process can promise.
  bool embedded = true;
  // Tests that this table cannot pass, with the reason: those of an emulator that lacks something. Each is listed as
  // skipped with its reason.
  std::map<std::string, std::string> differences = {};
};
inline std::ostream& operator<<(std::ostream& out, const TableContractFactory& factory) { return out << factory.name; }

inline std::string TableContractName(const testing::TestParamInfo<TableContractFactory>& info) {
  return info.param.name;
}

// When the tests begin: 2026-11-22T04:23:00Z.
inline constexpr base::Timestamp kContractStart{std::chrono::milliseconds{1'795'321'380'000}};

class TableContract : public testing::TestWithParam<TableContractFactory> {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    const auto difference = GetParam().differences.find(name.substr(0, name.find('/')));
    if (difference != GetParam().differences.end()) GTEST_SKIP() << "declared difference: " << difference->second;
    under_test_ = GetParam().make();
  }
  Table& table() { return under_test_->table(); }
  base::ManualClock& clock() { return under_test_->clock(); }
  void Shuffle() { under_test_->Shuffle(); }

 private:
  std::unique_ptr<TableUnderTest> under_test_;
};

// The table that random operations are compared with: MemoryTable, from the target guidon_store_model.
std::unique_ptr<Table> MakeModelTable(const base::Clock& clock);

}  // namespace guidon::store
