// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/sse_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace guidon::client {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// No server that wants its clients back asks for more.
constexpr std::int64_t kRetryMillisecondsMax = 24LL * 60 * 60 * 1000;

}  // namespace

bool SseParser::Feed(std::string_view bytes) {
  while (!bytes.empty() && !broken_) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() > kSseEventBytesMax) broken_ = true;
    if (end == std::string_view::npos) break;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (!broken_ && !EndLine()) broken_ = true;
  }
  return !broken_;
}

bool SseParser::EndLine() {
  std::string_view line = line_;
  if (std::exchange(at_start_, false) && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.empty()) {
    Dispatch();
  } else if (line.front() != ':') {  // else a comment
    const std::size_t colon = std::min(line.find(':'), line.size());
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    Field(line.substr(0, colon), value);
  }
  line_.clear();
  return data_.size() <= kSseEventBytesMax;
}

void SseParser::Field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (name == "retry") {
    std::int64_t number = 0;
    const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool digits = !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    if (digits && error == std::errc() && stop == value.data() + value.size() && number <= kRetryMillisecondsMax)
      retry_ = std::chrono::milliseconds(number);
  }
}

void SseParser::Dispatch() {
  std::string type = std::exchange(type_, {});
  std::string data = std::exchange(data_, {});
  if (!std::exchange(has_data_, false)) return;
  if (type.empty()) type = "message";
  on_event_({.type = std::move(type), .id = id_, .data = std::move(data)});
}

}  // namespace guidon::client
