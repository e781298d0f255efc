// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdarg>

#include <rocksdb/env.h>

namespace guidon::store_rocksdb {

// What RocksDB reports of itself, in the program's log: its failures as warnings, its warnings for debugging. Takes the
// place of its log file LOG, since a disk too full for a line of that file makes RocksDB end the process at the next.
class EngineLog final : public rocksdb::Logger {
 public:
  EngineLog() : Logger(rocksdb::WARN_LEVEL) {}
  using Logger::Logv;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;
  void LogHeader(const char* format, va_list arguments) override;  // the options, at each start: nothing
};

}  // namespace guidon::store_rocksdb
