// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "guidon/base/clock.hpp"
#include "guidon/store/table_contract.hpp"
#include "guidon/store_rocksdb/rocks_table.hpp"

namespace guidon::store_rocksdb {

// A directory of its own that goes with the test.
class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = testing::TempDir() + "guidon-rocks-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
    path_ = pattern;
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  // A path in it that does not exist yet.
  std::string Store() const { return path_ / "store"; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::unique_ptr<RocksTable> OpenOrDie(const RocksOptions& options) {
  auto table = RocksTable::Open(options);
  EXPECT_TRUE(table.has_value()) << table.error().message;
  return table ? *std::move(table) : nullptr;
}

inline base::Error OpenError(const RocksOptions& options) {
  auto table = RocksTable::Open(options);
  EXPECT_FALSE(table.has_value());
  return table ? base::Error{} : table.error();
}

// An item in two indexes with `bytes` of data that follow from its number.
inline store::Item NumberedItem(std::uint64_t number, std::size_t bytes = 50) {
  const std::string id = std::to_string(number);
  return {{"PK", "FLAG#dev#" + id},
          {"SK", "METADATA"},
          {"GSI1PK", "FLAGS#dev"},
          {"GSI1SK", "M#" + id},
          {"GSI2PK", "OWNER#x"},
          {"GSI2SK", "FLAG#" + id},
          {"number", store::Number::From(static_cast<std::int64_t>(number))},
          {"data", std::string(bytes, static_cast<char>('a' + number % 26))}};
}
inline store::Key NumberedKey(std::uint64_t number) { return {"FLAG#dev#" + std::to_string(number), "METADATA"}; }

}  // namespace guidon::store_rocksdb
