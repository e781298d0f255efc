// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/segment_key_file.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "apps/guidon/document.hpp"
#include "guidon/base/text.hpp"
#include "guidon/json/json.hpp"
#include "guidon/model/limits.hpp"
#include "guidon/model/value.hpp"

namespace guidon::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // spreadsheets put it before text

std::unexpected<Failure> AtLine(std::size_t line, std::string_view why) {
  return UsageError(fmt::format("Line {} is no key: {}", line, why),
                    "give one key a line, or JSON strings, or objects {\"key\": \"...\"}");
}

Outcome<std::string> KeyOf(std::string_view line, std::size_t number) {
  const auto value = json::Parse(line);
  if (!value) return AtLine(number, "it is not JSON, and the first line is");
  const model::Value* text = value->AsObject() != nullptr ? value->AsObject()->Find("key") : &*value;
  if (text == nullptr || text->AsString() == nullptr) return AtLine(number, "it has no text as its key");
  return *text->AsString();
}

Outcome<void> Check(std::string_view key, std::size_t line) {
  if (key.empty()) return AtLine(line, "it is empty");
  if (key.size() > model::kTargetingKeyBytesMax)
    return AtLine(line, fmt::format("it is longer than {} bytes", model::kTargetingKeyBytesMax));
  if (!base::IsUtf8(key)) return AtLine(line, "it is not UTF-8");
  return {};
}

}  // namespace

Outcome<std::vector<std::string>> ParseSegmentKeys(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && (text[first] == '"' || text[first] == '{');
  std::vector<std::string> keys;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    std::string key(line);
    if (is_json) {
      GUIDON_ASSIGN(key, KeyOf(line, number));
    }
    GUIDON_TRY(Check(key, number));
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return UsageError("There are no keys in it", "give one key a line");
  std::ranges::sort(keys);
  const auto twins = std::ranges::unique(keys);
  keys.erase(twins.begin(), twins.end());
  return keys;
}

}  // namespace guidon::cli
