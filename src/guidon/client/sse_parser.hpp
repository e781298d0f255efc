// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace guidon::client {

struct SseEvent {
  std::string type = "message";
  std::string id = {};  // the last one that the stream named, also with an earlier event
  std::string data = {};
};

// A longer line or event is no event of ours; the stream is given up.
inline constexpr std::size_t kSseEventBytesMax = 64UL * 1024;

// Takes events out of the bytes of a text/event-stream (HTML standard, section 9.2.6), in whatever pieces they come.
// Not thread-safe.
class SseParser {
 public:
  explicit SseParser(std::function<void(const SseEvent&)> on_event) : on_event_(std::move(on_event)) {}
  // False where the limit was passed; then nothing more is taken.
  bool Feed(std::string_view bytes);
  // What `retry` said last.
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  bool EndLine();
  void Field(std::string_view name, std::string_view value);
  void Dispatch();

  std::function<void(const SseEvent&)> on_event_;
  std::string line_;
  std::string data_;
  std::string type_;
  std::string id_;
  std::optional<std::chrono::milliseconds> retry_;
  bool has_data_ = false;
  bool at_start_ = true;   // a byte order mark may come
  bool after_cr_ = false;  // a line feed that follows belongs to the line's end
  bool broken_ = false;
};

}  // namespace guidon::client
