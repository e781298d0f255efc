// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/document.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "guidon/json/json.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

void AppendJson(std::string& out, const Value& value, std::size_t indent) {
  const auto separate = [&](bool first, std::size_t by) {
    out += first ? "\n" : ",\n";
    out.append(by, ' ');
  };
  if (const List* list = value.AsList(); list != nullptr && !list->empty()) {
    out += '[';
    bool first = true;
    for (const Value& element : *list) {
      separate(first, indent + 2);
      AppendJson(out, element, indent + 2);
      first = false;
    }
    out += '\n' + std::string(indent, ' ') + ']';
  } else if (const Object* object = value.AsObject(); object != nullptr && !object->empty()) {
    out += '{';
    bool first = true;
    for (const auto& [name, member] : *object) {
      separate(first, indent + 2);
      json::AppendQuoted(out, name);
      out += ": ";
      AppendJson(out, member, indent + 2);
      first = false;
    }
    out += '\n' + std::string(indent, ' ') + '}';
  } else {
    json::Append(out, value);
  }
}

// Words that some YAML reader takes for a boolean or null.
constexpr std::array<std::string_view, 11> kYamlWords = {"true", "false", "null", "yes", "no", "on",
                                                         "off",  "y",     "n",    "nan", "inf"};

bool IsPlainYaml(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_plain = [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
  };
  if (text.empty() || !is_letter(text.front()) || !std::ranges::all_of(text, is_plain)) return false;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kYamlWords, lower) == kYamlWords.end();
}

// A JSON string is a YAML string but for what YAML does not allow bare: DEL, C1 controls, line separators and BOM.
std::string YamlString(std::string_view text) {
  if (IsPlainYaml(text)) return std::string(text);
  std::string quoted;
  json::AppendQuoted(quoted, text);
  std::string out;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    const std::string_view rest = std::string_view(quoted).substr(i);
    const auto second = static_cast<unsigned char>(rest.size() > 1 ? rest[1] : 0);
    if (rest.starts_with('\x7f')) {
      out += "\\x7f";
    } else if (rest.starts_with('\xc2') && second < 0xa0) {
      constexpr std::string_view kHex = "0123456789abcdef";
      out += std::string("\\x") + kHex[second >> 4U] + kHex[second & 15U];
      ++i;
    } else if (rest.starts_with("\u2028") || rest.starts_with("\u2029") || rest.starts_with("\ufeff") ||
               rest.starts_with("\xef\xbf\xbe") || rest.starts_with("\xef\xbf\xbf")) {
      const auto third = static_cast<unsigned char>(rest[2]);
      out += rest.starts_with('\xe2') ? (third == 0xa8 ? "\\u2028" : "\\u2029")
             : second == 0xbb         ? "\\ufeff"
             : third == 0xbe          ? "\\ufffe"
                                      : "\\uffff";
      i += 2;
    } else {
      out += quoted[i];
    }
  }
  return out;
}

// YAML 1.1 wants a point and a signed exponent in "1e5".
std::string YamlNumber(std::string text) {
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent == std::string::npos) return text;
  std::string power = text.substr(exponent + 1);
  if (!power.starts_with('-') && !power.starts_with('+')) power = "+" + power;
  std::string mantissa = text.substr(0, exponent);
  if (!mantissa.contains('.')) mantissa += ".0";
  return mantissa + "e" + power;
}

std::string YamlScalar(const Value& value) {
  if (const auto* text = value.AsString()) return YamlString(*text);
  return value.IsNumber() ? YamlNumber(json::Write(value)) : json::Write(value);
}

bool IsBlock(const Value& value) {
  return (value.AsList() != nullptr && !value.AsList()->empty()) ||
         (value.AsObject() != nullptr && !value.AsObject()->empty());
}

// Writes `value` on lines of its own at `indent`; the first line's indentation is left out where `inline_first`.
void AppendYaml(std::string& out, const Value& value, std::size_t indent, bool inline_first) {
  const auto start_line = [&] {
    if (!inline_first) out.append(indent, ' ');
    inline_first = false;
  };
  if (const List* list = value.AsList(); list != nullptr && !list->empty()) {
    for (const Value& element : *list) {
      start_line();
      out += "- ";
      if (IsBlock(element)) {
        AppendYaml(out, element, indent + 2, true);
      } else {
        out += YamlScalar(element) + "\n";
      }
    }
  } else if (const Object* object = value.AsObject(); object != nullptr && !object->empty()) {
    for (const auto& [name, member] : *object) {
      start_line();
      out += YamlString(name) + ":";
      if (IsBlock(member)) {
        out += "\n";
        AppendYaml(out, member, indent + 2, false);
      } else {
        out += " " + YamlScalar(member) + "\n";
      }
    }
  } else {
    start_line();
    out += YamlScalar(value) + "\n";
  }
}

}  // namespace

std::string ToPrettyJson(const Value& value) {
  std::string out;
  AppendJson(out, value, 0);
  out += '\n';
  return out;
}

std::string ToYaml(const Value& value) {
  std::string out;
  AppendYaml(out, value, 0, false);
  return out;
}

std::string ToCell(const Value& value) {
  if (value.IsNull()) return "";
  if (const auto* text = value.AsString()) return *text;
  return json::Write(value);
}

const Value* At(const Value& document, std::string_view path) {
  const Value* at = &document;
  while (at != nullptr && !path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    const Object* object = at->AsObject();
    at = object == nullptr ? nullptr : object->Find(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return at;
}

std::string TextAt(const Value& document, std::string_view path, std::string_view missing) {
  const Value* value = At(document, path);
  return value == nullptr || value->IsNull() ? std::string(missing) : ToCell(*value);
}

std::int64_t NumberAt(const Value& document, std::string_view path) {
  const Value* value = At(document, path);
  const std::int64_t* number = value != nullptr ? value->AsInteger() : nullptr;
  return number != nullptr ? *number : 0;
}

const List& ListAt(const Value& document, std::string_view path) {
  static const List kNothing;
  const Value* value = At(document, path);
  const List* list = value != nullptr ? value->AsList() : nullptr;
  return list != nullptr ? *list : kNothing;
}

}  // namespace guidon::cli
