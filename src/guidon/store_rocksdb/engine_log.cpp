// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_rocksdb/engine_log.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "guidon/base/log.hpp"
#include "guidon/base/text.hpp"

namespace guidon::store_rocksdb {

namespace {
constexpr std::size_t kLineBytesMax = 1000;
}

void EngineLog::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level < GetInfoLogLevel()) return;
  std::array<char, kLineBytesMax> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (length < 0) return;
  const std::string_view text(line.data(), std::min(static_cast<std::size_t>(length), line.size() - 1));
  const auto log_level = level == rocksdb::WARN_LEVEL ? base::LogLevel::kDebug : base::LogLevel::kWarn;
  base::Log(log_level, "the storage engine reports", {{"text", base::Trim(text)}});
}

void EngineLog::LogHeader(const char* /*format*/, va_list /*arguments*/) {}

}  // namespace guidon::store_rocksdb
