// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/store/table.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {

inline constexpr std::size_t kScanLimitMax = 1000;
inline constexpr std::size_t kScanSegmentsMax = 64;  // more readers than a machine keeps busy

// One page of everything. A table is read by as many readers as there are segments, each item by one of them; within a
// segment one page follows the other.
struct Scan {
  std::size_t segment = 0;   // from 0, below `segments`
  std::size_t segments = 1;  // the same for all pages
  std::size_t limit = kScanLimitMax;
  std::optional<Key> start_after = std::nullopt;  // `next` of the page before
  Consistency consistency = Consistency::kStrong;
};

struct ScanPage {
  std::vector<Item> items;  // may be fewer than `limit`, or none, with more to come
  std::optional<Key> next;  // absent: this was the segment's last page
  CapacityUnits consumed;
};

// A table that can be read whole: for exports, copies and checks, never for a request (docs/adr/0019). In no promised
// order. A scan is no snapshot: of what is written meanwhile it shows some. An item that is there throughout comes
// exactly once, one that has expired not at all. The embedded adapters read everything for each segment: ask them for
// one.
class ScannableTable : public Table {
 public:
  // Errors: kInvalidArgument for a scan that ValidateScan refuses, kUnavailable, kCorrupt.
  virtual base::Result<ScanPage> RunScan(const Scan& scan) = 0;
};

// What the embedded adapters share.
base::Status ValidateScan(const Scan& scan);
bool IsInSegment(std::string_view partition, const Scan& scan);

// Adds up one page, by the arithmetic of queries.
class ScanPageBuilder {
 public:
  explicit ScanPageBuilder(const Scan& scan)
      : query_{.partition = {}, .limit = scan.limit, .consistency = scan.consistency}, page_(query_) {}
  ScanPageBuilder(const ScanPageBuilder&) = delete;
  ScanPageBuilder& operator=(const ScanPageBuilder&) = delete;
  // False where the page is full.
  bool Add(Item item) { return page_.Add(std::move(item)); }
  // Leaves the page where it stands although it has room.
  void StopAfter(Key last) { page_.StopAfter({.key = std::move(last)}); }
  ScanPage Finish(bool more);

 private:
  Query query_;
  QueryPageBuilder page_;
};

}  // namespace guidon::store
