// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "apps/guidon/configuration.hpp"
#include "apps/guidon/dynamo_connection.hpp"
#include "apps/guidon/setting_options.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/store/scan.hpp"
#include "guidon/store_rocksdb/rocks_table.hpp"

namespace guidon::cli {

enum class StoreUse : std::uint8_t {
  kRead,     // must be there
  kInspect,  // likewise; of a DynamoDB table nothing is read yet
  kWrite,    // an embedded store is made where it is absent
  kFill,     // likewise; a power cut may take back what was written last, in order
};

// A store that a command works on by itself, without a server. Thread-safe as its table is.
class StoreTarget {
 public:
  // `spec`: "rocksdb:DIR" (a data folder), "dynamodb:TABLE", either without what follows the colon for that of the
  // settings; "" for the store of the settings. Errors: kUsage, kNotFound, kUnavailable (an embedded store is in use).
  static Outcome<std::unique_ptr<StoreTarget>> Open(const SettingFlags& flags, std::string_view spec, StoreUse use);

  store::ScannableTable& table() { return *table_; }
  const base::Clock& clock() const { return clock_; }
  // "table feature-flags-prod in ap-northeast-1", "embedded store in /srv/guidon".
  const std::string& name() const { return name_; }
  // nullptr where the store is embedded.
  DynamoConnection* connection() { return connection_.get(); }
  const std::string& table_name() const { return table_name_; }  // "" where it is embedded
  // nullptr where the store is on DynamoDB.
  store_rocksdb::RocksTable* rocks() { return rocks_; }
  bool is_embedded() const { return connection_ == nullptr; }
  // What is good for it where nobody said anything.
  std::size_t SegmentsOtherwise() const;
  std::size_t WritersOtherwise() const;
  // All that was written is on the device.
  Outcome<void> Finish();

 private:
  StoreTarget() = default;
  Outcome<void> OpenRocks(const std::filesystem::path& data, StoreUse use);
  Outcome<void> OpenDynamo(const DynamoConfiguration& configuration, StoreUse use);

  base::SystemClock clock_;
  std::string name_;
  std::string table_name_;
  std::unique_ptr<DynamoConnection> connection_;
  std::unique_ptr<store::ScannableTable> table_;
  store_rocksdb::RocksTable* rocks_ = nullptr;
};

}  // namespace guidon::cli
