// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/export_lines.hpp"

#include <utility>

#include <fmt/format.h>

#include "guidon/json/json.hpp"
#include "guidon/store/item_json.hpp"

namespace guidon::upkeep {
namespace {

using base::ErrorCode;
using base::Result;
using model::Object;
using model::Value;

constexpr std::int64_t kFormat = 1;
constexpr std::string_view kHeader = "guidonExport";
constexpr std::string_view kEnd = "guidonExportEnd";
constexpr std::string_view kItem = "Item";
// An item has 400 KB, of which each byte may become six ("\u0001").
constexpr std::size_t kLineBytesMax = 4UL * 1024 * 1024;

std::string LineOf(std::string_view name, Object content) {
  Object line;
  line.Set(name, std::move(content));
  return json::Write(Value(std::move(line))) + "\n";
}

Result<ExportHeader> HeaderFrom(const Value& value) {
  const Object* object = value.AsObject();
  const Value* format = object != nullptr ? object->Find("format") : nullptr;
  if (format == nullptr || *format != Value(kFormat))
    return base::Fail(ErrorCode::kUnsupported,
                      "the export is of another format: import it with the version that made it");
  const Value* source = object->Find("source");
  const Value* started = object->Find("startedAt");
  ExportHeader header;
  if (source != nullptr && source->AsString() != nullptr) header.source = *source->AsString();
  GUIDON_ASSIGN(header.started_at,
                base::ParseTimestamp(started != nullptr && started->AsString() != nullptr ? *started->AsString() : ""));
  return header;
}

Result<ExportLine> LineFrom(std::string_view text) {
  GUIDON_ASSIGN(const Value value,
                json::Parse(text, {.bytes_max = kLineBytesMax, .depth_max = store::kItemJsonDepthMax}));
  const Object* object = value.AsObject();
  if (object == nullptr || object->size() != 1)
    return base::Fail(ErrorCode::kMalformed, R"(is no line of an export: {"Item":{…}} is expected)");
  const auto& [name, content] = *object->begin();
  if (name == kHeader) {
    GUIDON_ASSIGN(ExportHeader header, HeaderFrom(content));
    return ExportLine(std::move(header));
  }
  if (name == kEnd) {
    const Value* entities = content.AsObject() != nullptr ? content.AsObject()->Find("entities") : nullptr;
    if (entities == nullptr) return base::Fail(ErrorCode::kMalformed, "the last line of the export is damaged");
    GUIDON_ASSIGN(Sums sums, Sums::From(*entities));
    return ExportLine(ExportEnd{std::move(sums)});
  }
  if (name != kItem) return base::Fail(ErrorCode::kMalformed, fmt::format("does not know '{}'", name));
  GUIDON_ASSIGN(store::Item item, store::ItemFrom(content));
  GUIDON_TRY(store::ValidateItem(item));
  return ExportLine(std::move(item));
}

}  // namespace

std::string HeaderLine(const ExportHeader& header) {
  Object content;
  content.Set("format", kFormat);
  content.Set("source", header.source);
  content.Set("startedAt", base::FormatTimestamp(header.started_at));
  return LineOf(kHeader, std::move(content));
}

std::string ItemLine(const store::Item& item) {
  std::string line = R"({"Item":)";
  store::AppendItem(line, item);
  return line + "}\n";
}

std::string EndLine(const Sums& sums) {
  Object content;
  content.Set("items", static_cast<std::int64_t>(sums.Total().items));
  content.Set("entities", sums.ToValue());
  return LineOf(kEnd, std::move(content));
}

Result<std::optional<ExportLine>> ExportReader::Next() {
  while (std::getline(in_, text_)) {
    ++line_;
    if (text_.empty()) continue;
    auto line = LineFrom(text_);
    if (!line) {
      base::Error error = std::move(line).error();
      error.message =
          fmt::format("line {}: {}{}{}", line_, error.field, error.field.empty() ? "" : ": ", error.message);
      if (error.code != ErrorCode::kUnsupported) error.code = ErrorCode::kMalformed;
      error.field = {};
      return std::unexpected(std::move(error));
    }
    return std::optional(*std::move(line));
  }
  if (in_.bad()) return base::Fail(ErrorCode::kUnavailable, "the export cannot be read any further");
  return std::optional<ExportLine>{};
}

}  // namespace guidon::upkeep
