// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <variant>

namespace guidon::base {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

// One named value of a log line. Secrets, tokens and personal attributes never become one.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;
};

// Where log lines go. Thread-safe. Installed once by the program; without one, lines are dropped.
class LogSink {
 public:
  LogSink() = default;
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  virtual ~LogSink() = default;
  virtual void Write(LogLevel level, std::string_view message, std::span<const LogField> fields) = 0;
};

// The sink must outlive every later call of Log; nullptr silences. Returns the one that was there.
LogSink* SetLogSink(LogSink* sink);

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

}  // namespace guidon::base
