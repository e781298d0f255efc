// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/override_file.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "apps/guidon/document.hpp"
#include "guidon/json/json.hpp"
#include "guidon/model/ids.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

constexpr std::size_t kFileBytesMax = 64UL * 1024 * 1024;

// Cells of the record at the front of `rest`, which moves on to the next one. `line` counts lines.
std::vector<std::string> TakeRecord(std::string_view& rest, std::size_t& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size(); ++at) {
    const char c = rest[at];
    if (quoted) {
      if (c == '\n') ++line;
      if (c != '"') {
        cells.back() += c;
      } else if (at + 1 < rest.size() && rest[at + 1] == '"') {
        cells.back() += '"';
        ++at;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  rest.remove_prefix(at);
  ++line;
  return cells;
}

Outcome<Object> FromCells(const std::vector<std::string>& cells, bool by_variation, std::size_t line) {
  if (cells.size() != 2)
    return UsageError(fmt::format("Line {}: 2 columns are needed, {} are there", line, cells.size()));
  Object entry;
  entry.Set("tenantId", cells[0]);
  if (by_variation) {
    entry.Set("variation", cells[1]);
  } else if (cells[1] == "true" || cells[1] == "false") {
    entry.Set("enabled", cells[1] == "true");
  } else {
    return UsageError(fmt::format("Line {}: enabled is '{}', it must be true or false", line, cells[1]));
  }
  return entry;
}

Outcome<List> ParseCsv(std::string_view text) {
  std::size_t line = 0;
  const auto head = TakeRecord(text, line);
  const bool by_variation = head.size() == 2 && head[1] == "variation";
  if (head.size() != 2 || head[0] != "tenantId" || (!by_variation && head[1] != "enabled"))
    return UsageError("Line 1: the head must be tenantId,enabled or tenantId,variation");
  List list;
  while (!text.empty()) {
    const std::size_t first = line + 1;
    const auto cells = TakeRecord(text, line);
    if (cells.size() == 1 && cells[0].empty()) continue;
    GUIDON_ASSIGN(Object entry, FromCells(cells, by_variation, first));
    list.emplace_back(std::move(entry));
  }
  return list;
}

Outcome<List> ParseDocument(std::string_view text) {
  GUIDON_ASSIGN(const Value document,
                Lift(json::Parse(text, {.bytes_max = kFileBytesMax}), "The overrides are not JSON"));
  const Value* list = document.AsList() != nullptr ? &document : At(document, "overrides");
  if (list == nullptr || list->AsList() == nullptr)
    return UsageError("The overrides must be a JSON list, or an object with the list as \"overrides\"");
  return *list->AsList();
}

Outcome<void> Check(const List& overrides) {
  std::unordered_set<std::string> tenants;
  std::size_t number = 0;
  for (const Value& entry : overrides) {
    ++number;
    const Object* object = entry.AsObject();
    const bool choice =
        object != nullptr && (object->Find("enabled") == nullptr) != (object->Find("variation") == nullptr);
    if (!choice || object->size() != 2)
      return UsageError(fmt::format("Override {}: it needs tenantId and either enabled or variation", number));
    const std::string tenant = TextAt(entry, "tenantId");
    GUIDON_TRY(Lift(model::TenantId::Parse(tenant), fmt::format("Override {} is not valid", number)));
    if (!tenants.insert(tenant).second)
      return UsageError(fmt::format("Override {}: tenant {} is there twice", number, tenant));
  }
  return {};
}

}  // namespace

Outcome<List> ParseOverrides(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // spreadsheets put a byte order mark before CSV
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return UsageError("There are no overrides in it");
  const bool is_json = text[first] == '[' || text[first] == '{';
  GUIDON_ASSIGN(List overrides, is_json ? ParseDocument(text) : ParseCsv(text));
  if (overrides.empty()) return UsageError("There are no overrides in it");
  GUIDON_TRY(Check(overrides));
  return overrides;
}

}  // namespace guidon::cli
