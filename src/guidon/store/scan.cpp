// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/scan.hpp"

#include <utility>

#include <fmt/format.h>

#include "guidon/base/text.hpp"

namespace guidon::store {

base::Status ValidateScan(const Scan& scan) {
  using base::ErrorCode;
  using base::Fail;
  if (scan.segments < 1 || scan.segments > kScanSegmentsMax)
    return Fail(ErrorCode::kInvalidArgument, fmt::format("must be from 1 to {}", kScanSegmentsMax), "segments");
  if (scan.segment >= scan.segments) return Fail(ErrorCode::kInvalidArgument, "is not below segments", "segment");
  if (scan.limit < 1 || scan.limit > kScanLimitMax)
    return Fail(ErrorCode::kInvalidArgument, fmt::format("must be from 1 to {}", kScanLimitMax), "limit");
  return scan.start_after ? ValidateKey(*scan.start_after) : base::Status{};
}

bool IsInSegment(std::string_view partition, const Scan& scan) {
  return scan.segments == 1 || base::Fnv1a64(partition) % scan.segments == scan.segment;
}

ScanPage ScanPageBuilder::Finish(bool more) {
  QueryPage page = page_.Finish(more);
  ScanPage out{.items = std::move(page.items), .next = std::nullopt, .consumed = page.consumed};
  if (page.next) out.next = std::move(page.next->key);
  return out;
}

}  // namespace guidon::store
