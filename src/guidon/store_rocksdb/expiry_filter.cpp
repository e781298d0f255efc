// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_rocksdb/expiry_filter.hpp"

#include <string>
#include <string_view>

#include "guidon/store/table_rules.hpp"
#include "guidon/store_rocksdb/item_bytes.hpp"
#include "guidon/store_rocksdb/key_codec.hpp"

namespace guidon::store_rocksdb {
namespace {

class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(base::Timestamp before) : before_(before) {}

  Decision FilterV2(int, const rocksdb::Slice& key, ValueType type, const rocksdb::Slice& value, std::string*,
                    std::string*) const override {
    if (type != ValueType::kValue || key.ToStringView() == kFormatKey) return Decision::kKeep;
    const auto expiry = ReadExpiry(value.ToStringView());
    return expiry && store::IsExpired(*expiry, before_) ? Decision::kRemove : Decision::kKeep;
  }
  const char* Name() const override { return "guidon.expiry"; }

 private:
  const base::Timestamp before_;
};

}  // namespace

std::unique_ptr<rocksdb::CompactionFilter> ExpiryFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  if (!enabled_.load()) return nullptr;
  return std::make_unique<ExpiryFilter>(clock_.Now() - kExpiryGrace);
}

}  // namespace guidon::store_rocksdb
