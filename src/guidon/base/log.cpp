// SPDX-License-Identifier: Apache-2.0
#include "guidon/base/log.hpp"

#include <atomic>

namespace guidon::base {
namespace {
std::atomic<LogSink*> g_sink{nullptr};
}  // namespace

LogSink* SetLogSink(LogSink* sink) { return g_sink.exchange(sink); }

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (LogSink* sink = g_sink.load(std::memory_order_acquire))
    sink->Write(level, message, std::span<const LogField>(fields.begin(), fields.size()));
}

}  // namespace guidon::base
