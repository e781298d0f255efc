// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/program_log.hpp"

#include <cmath>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "apps/guidon/terminal.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/json/json.hpp"

namespace guidon::cli {
namespace {

spdlog::level::level_enum LevelOf(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::kDebug: return spdlog::level::debug;
    case base::LogLevel::kInfo: return spdlog::level::info;
    case base::LogLevel::kWarn: return spdlog::level::warn;
    case base::LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view NameOf(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::kDebug: return "debug";
    case base::LogLevel::kInfo: return "info";
    case base::LogLevel::kWarn: return "warn";
    case base::LogLevel::kError: return "error";
  }
  return "info";
}

Style StyleOf(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::kDebug: return Style::kDim;
    case base::LogLevel::kInfo: return Style::kPlain;
    case base::LogLevel::kWarn: return Style::kYellow;
    case base::LogLevel::kError: return Style::kRed;
  }
  return Style::kPlain;
}

model::Value ValueOf(const base::LogField& field) {
  return std::visit([](const auto& value) { return model::Value(value); }, field.value);
}

std::string JsonLine(base::LogLevel level, std::string_view message, std::span<const base::LogField> fields) {
  std::string line = fmt::format(R"({{"time":"{}","level":"{}","message":)",
                                 base::FormatTimestamp(base::SystemClock{}.Now()), NameOf(level));
  json::AppendQuoted(line, message);
  for (const auto& field : fields) {
    line += ',';
    json::AppendQuoted(line, field.key);
    line += ':';
    // JSON has no infinity.
    const auto* number = std::get_if<double>(&field.value);
    line += number != nullptr && !std::isfinite(*number) ? "null" : json::Write(ValueOf(field));
  }
  return line + '}';
}

std::string ConsoleLine(base::LogLevel level, std::string_view message, std::span<const base::LogField> fields,
                        bool colour) {
  std::string line = Styled(base::FormatTimestamp(base::SystemClock{}.Now()), Style::kDim, colour);
  line +=
      fmt::format(" {}  {}", Styled(fmt::format("{:<5}", NameOf(level)), StyleOf(level), colour), Printable(message));
  for (const auto& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    const bool bare = text != nullptr && !text->empty() && text->find_first_of(" \"=\n\t") == std::string_view::npos;
    line += Styled(fmt::format("  {}=", field.key), Style::kDim, colour);
    line += Printable(bare ? std::string(*text) : json::Write(ValueOf(field)));
  }
  return line;
}

}  // namespace

struct ProgramLog::Impl {
  LogFormat format;
  bool colour;
  spdlog::logger logger;
  base::LogSink* previous = nullptr;
};

ProgramLog::ProgramLog(LogFormat format, base::LogLevel level, bool colour)
    : impl_(new Impl{.format = format,
                     .colour = colour,
                     // shared: spdlog's loggers own their sinks that way.
                     .logger = spdlog::logger("guidon", std::make_shared<spdlog::sinks::stderr_sink_mt>())}) {
  impl_->logger.set_pattern("%v");
  impl_->logger.set_level(LevelOf(level));
  impl_->previous = base::SetLogSink(this);
}

ProgramLog::~ProgramLog() { base::SetLogSink(impl_->previous); }

void ProgramLog::Write(base::LogLevel level, std::string_view message, std::span<const base::LogField> fields) {
  if (!impl_->logger.should_log(LevelOf(level))) return;
  const std::string line = impl_->format == LogFormat::kJson ? JsonLine(level, message, fields)
                                                             : ConsoleLine(level, message, fields, impl_->colour);
  impl_->logger.log(LevelOf(level), spdlog::string_view_t(line));
}

void ProgramLog::SetLevel(base::LogLevel level) { impl_->logger.set_level(LevelOf(level)); }

}  // namespace guidon::cli
