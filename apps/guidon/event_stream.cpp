// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/event_stream.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace guidon::cli {
namespace {

constexpr std::size_t kEventBytesMax = 4UL * 1024 * 1024;  // a transaction's changes are far below

}  // namespace

bool EventStreamParser::Feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n' && std::exchange(after_return_, false)) continue;
    after_return_ = c == '\r';
    if (c != '\n' && c != '\r') {
      line_ += c;
      if (line_.size() + data_.size() > kEventBytesMax) return false;
      continue;
    }
    const bool goes_on = TakeLine(line_);
    line_.clear();
    if (!goes_on) return false;
  }
  return true;
}

void EventStreamParser::Restart() {
  line_.clear();
  type_.clear();
  data_.clear();
  id_ = last_id_;
  after_return_ = false;
}

bool EventStreamParser::TakeLine(std::string_view line) {
  if (line.empty()) return Dispatch();
  const std::size_t colon = line.find(':');
  if (colon == 0) return true;  // a comment
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") {
    type_ = value;
  } else if (field == "data") {
    data_ += value;
    data_ += '\n';
  } else if (field == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (field == "retry") {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc() && end == value.data() + value.size() && number >= 0)
      retry_ = std::chrono::milliseconds(number);
  }
  return true;
}

bool EventStreamParser::Dispatch() {
  last_id_ = id_;
  StreamEvent event{.type = type_.empty() ? "message" : type_, .data = data_};
  type_.clear();
  data_.clear();
  if (event.data.empty()) return true;
  event.data.pop_back();
  return take_(event);
}

}  // namespace guidon::cli
