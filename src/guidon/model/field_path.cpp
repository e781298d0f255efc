// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/field_path.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "guidon/base/text.hpp"

namespace guidon::model {
namespace {

// Long enough for every valid name; keeps a hostile one from filling answers and logs.
constexpr std::size_t kPathNameBytesMax = 128;

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

std::string PathName(std::string_view name) {
  std::string_view shown = name.substr(0, kPathNameBytesMax);
  if (shown.size() < name.size())
    while (!shown.empty() && IsContinuation(name[shown.size()])) shown.remove_suffix(1);
  std::string text(shown);
  const bool utf8 = base::IsUtf8(text);
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (!utf8 && byte >= 0x80)) c = '?';
  }
  if (shown.size() < name.size()) text += "...";
  return text;
}

base::Error Below(std::string_view parent, base::Error error) {
  if (parent.empty()) return error;
  std::string field(parent);
  if (!error.field.empty() && error.field.front() != '[') field += '.';
  field += error.field;
  error.field = std::move(field);
  return error;
}

base::Status At(std::string_view name, std::size_t index, base::Status status) {
  if (status) [[likely]]
    return status;
  std::string parent(name);
  parent += '[';
  parent += std::to_string(index);
  parent += ']';
  return std::unexpected(Below(parent, std::move(status).error()));
}

}  // namespace guidon::model
