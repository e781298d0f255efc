// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/scanning.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

namespace guidon::upkeep {
namespace {

std::string TextAt(const model::Object& object, std::string_view name) {
  const model::Value* value = object.Find(name);
  return value != nullptr && value->AsString() != nullptr ? *value->AsString() : std::string();
}

base::Status ReadSegment(store::ScannableTable& table, store::Scan scan, Pace& pace, const std::atomic<bool>& stop,
                         const std::function<base::Status(std::size_t, const store::ScanPage&)>& take) {
  while (!stop) {
    GUIDON_ASSIGN(const store::ScanPage page, table.RunScan(scan));
    pace.Spend(page.consumed.read);
    scan.start_after = page.next;
    GUIDON_TRY(take(scan.segment, page));
    if (!scan.start_after) break;
  }
  return {};
}

}  // namespace

model::Value PositionsToValue(const Positions& positions) {
  model::List list;
  for (const SegmentPosition& position : positions) {
    model::Object one;
    one.Set("done", position.done);
    if (position.after) {
      one.Set("pk", position.after->pk);
      one.Set("sk", position.after->sk);
    }
    list.emplace_back(std::move(one));
  }
  return list;
}

base::Result<Positions> PositionsFrom(const model::Value& value) {
  if (value.AsList() == nullptr || value.AsList()->empty() || value.AsList()->size() > store::kScanSegmentsMax)
    return base::Fail(base::ErrorCode::kCorrupt, "the positions are not readable");
  Positions positions;
  for (const model::Value& one : *value.AsList()) {
    const model::Value* done = one.AsObject() != nullptr ? one.AsObject()->Find("done") : nullptr;
    if (done == nullptr || done->AsBool() == nullptr)
      return base::Fail(base::ErrorCode::kCorrupt, "a position is not readable");
    SegmentPosition position{.done = *done->AsBool()};
    if (one.AsObject()->Find("pk") != nullptr)
      position.after = store::Key{TextAt(*one.AsObject(), "pk"), TextAt(*one.AsObject(), "sk")};
    positions.push_back(std::move(position));
  }
  return positions;
}

SegmentPosition After(const store::ScanPage& page) { return {.after = page.next, .done = !page.next}; }

base::Status ReadAll(store::ScannableTable& table, const Positions& from, store::Consistency consistency, Pace& pace,
                     const std::function<base::Status(std::size_t segment, const store::ScanPage& page)>& take) {
  std::atomic<bool> stop{false};
  std::mutex mutex;
  base::Status outcome;
  const auto read = [&](std::size_t segment) {
    base::Status status = ReadSegment(
        table,
        {.segment = segment, .segments = from.size(), .start_after = from[segment].after, .consistency = consistency},
        pace, stop, take);
    if (status) return;
    const std::lock_guard lock(mutex);
    if (outcome) outcome = std::move(status);
    stop = true;
  };
  {
    std::vector<std::jthread> readers;
    for (std::size_t segment = 0; segment < from.size(); ++segment) {
      if (!from[segment].done) readers.emplace_back(read, segment);
    }
  }
  return outcome;
}

}  // namespace guidon::upkeep
