// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "apps/guidon/configuration.hpp"
#include "guidon/base/log.hpp"

namespace guidon::cli {

// Log lines to standard error, for people or as one JSON object a line. Installs itself as the program's sink and takes
// itself away at its end. Thread-safe.
class ProgramLog final : public base::LogSink {
 public:
  ProgramLog(LogFormat format, base::LogLevel level, bool colour);
  ~ProgramLog() override;
  void Write(base::LogLevel level, std::string_view message, std::span<const base::LogField> fields) override;
  void SetLevel(base::LogLevel level);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::cli
