// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace guidon::cli {

struct StreamEvent {
  std::string type;  // "message" where the event names none
  std::string data;
};

// Reads text/event-stream from pieces of any size (HTML standard, section 9.2.6). Not thread-safe.
class EventStreamParser {
 public:
  // `take` false: no more events.
  explicit EventStreamParser(std::function<bool(const StreamEvent&)> take) : take_(std::move(take)) {}
  // False once no more events are wanted, or an event is larger than any of ours.
  bool Feed(std::string_view bytes);
  // A connection ended: what was begun is dropped, the last id stays.
  void Restart();
  const std::string& last_event_id() const { return last_id_; }
  // What the server asked for.
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  bool TakeLine(std::string_view line);
  bool Dispatch();

  std::function<bool(const StreamEvent&)> take_;
  std::string line_;
  std::string type_;
  std::string data_;
  std::string id_;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
  bool after_return_ = false;  // "\r\n" is one end of a line
};

}  // namespace guidon::cli
