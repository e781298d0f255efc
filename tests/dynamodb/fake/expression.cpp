// SPDX-License-Identifier: Apache-2.0
#include "tests/dynamodb/fake/expression.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "guidon/store_dynamodb/wire.hpp"

namespace guidon::dynamodb_test {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using store::AttributeValue;
using store::Item;

std::vector<std::string> Tokens(std::string_view text) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '#' || c == ':' || c == '_') {
      while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
    } else if ((c == '<' || c == '>') && end < text.size() && (text[end] == '=' || text[end] == '>')) {
      ++end;
    }
    tokens.emplace_back(text.substr(i, end - i));
    i = end;
  }
  return tokens;
}

bool IsWord(const std::string& token, std::string_view word) {
  return std::ranges::equal(token, word, [](unsigned char a, unsigned char b) { return std::toupper(a) == b; });
}

std::string_view TypeOf(const AttributeValue& value) {
  constexpr std::array<std::string_view, 8> kTypes = {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS"};
  return kTypes[value.variant().index()];
}

// Recursive descent: OR over AND over NOT over single conditions.
class Parser {
 public:
  Parser(std::string_view text, const Placeholders& placeholders, const Item* item)
      : tokens_(Tokens(text)), placeholders_(placeholders), item_(item) {}

  Result<bool> Whole() {
    GUIDON_ASSIGN(const bool holds, Or());
    if (at_ != tokens_.size()) return Fail(ErrorCode::kInvalidArgument, "unexpected '" + tokens_[at_] + "'");
    return holds;
  }

 private:
  bool Next(std::string_view word) {
    if (at_ >= tokens_.size() || !IsWord(tokens_[at_], word)) return false;
    ++at_;
    return true;
  }
  base::Status Need(std::string_view word) {
    if (Next(word)) return {};
    return Fail(ErrorCode::kInvalidArgument, "expected " + std::string(word));
  }
  std::string Take() { return at_ < tokens_.size() ? tokens_[at_++] : std::string(); }

  Result<bool> Or() {
    GUIDON_ASSIGN(bool holds, And());
    while (Next("OR")) {
      GUIDON_ASSIGN(const bool other, And());
      holds = holds || other;
    }
    return holds;
  }

  Result<bool> And() {
    GUIDON_ASSIGN(bool holds, Not());
    while (Next("AND")) {
      GUIDON_ASSIGN(const bool other, Not());
      holds = holds && other;
    }
    return holds;
  }

  Result<bool> Not() {
    if (!Next("NOT")) return Single();
    GUIDON_ASSIGN(const bool holds, Not());
    return !holds;
  }

  Result<bool> Single() {
    if (Next("(")) {
      GUIDON_ASSIGN(const bool holds, Or());
      GUIDON_TRY(Need(")"));
      return holds;
    }
    for (const char* function :
         {"ATTRIBUTE_EXISTS", "ATTRIBUTE_NOT_EXISTS", "ATTRIBUTE_TYPE", "BEGINS_WITH", "CONTAINS"}) {
      if (Next(function)) return Function(function);
    }
    return Comparison();
  }

  // An operand: what it stands for; nothing where the attribute is absent.
  Result<std::optional<AttributeValue>> Operand() {
    const std::string token = Take();
    if (token.starts_with(':')) {
      GUIDON_ASSIGN(AttributeValue value, placeholders_.Value(token));
      return std::optional(std::move(value));
    }
    GUIDON_ASSIGN(const std::string name, placeholders_.Name(token));
    const AttributeValue* found = item_ != nullptr ? item_->Find(name) : nullptr;
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }

  Result<bool> Function(std::string_view function) {
    GUIDON_TRY(Need("("));
    GUIDON_ASSIGN(const auto first, Operand());
    if (function == "ATTRIBUTE_EXISTS" || function == "ATTRIBUTE_NOT_EXISTS") {
      GUIDON_TRY(Need(")"));
      return first.has_value() == (function == "ATTRIBUTE_EXISTS");
    }
    GUIDON_TRY(Need(","));
    GUIDON_ASSIGN(const auto second, Operand());
    GUIDON_TRY(Need(")"));
    const std::string* text = second ? second->AsString() : nullptr;
    if (!first || text == nullptr) return false;
    if (function == "ATTRIBUTE_TYPE") return TypeOf(*first) == *text;
    const std::string* whole = first->AsString();
    if (whole == nullptr) return false;
    return function == "CONTAINS" ? whole->contains(*text) : whole->starts_with(*text);
  }

  Result<bool> Comparison() {
    GUIDON_ASSIGN(const auto left, Operand());
    if (Next("BETWEEN")) {
      GUIDON_ASSIGN(const auto low, Operand());
      GUIDON_TRY(Need("AND"));
      GUIDON_ASSIGN(const auto high, Operand());
      return Ordered(left, ">=", low) && Ordered(left, "<=", high);
    }
    if (Next("IN")) {
      GUIDON_TRY(Need("("));
      bool found = false;
      do {
        GUIDON_ASSIGN(const auto candidate, Operand());
        found = found || Ordered(left, "=", candidate);
      } while (Next(","));
      GUIDON_TRY(Need(")"));
      return found;
    }
    const std::string comparator = Take();
    constexpr std::array<std::string_view, 6> kComparators = {"=", "<>", "<", "<=", ">", ">="};
    if (std::ranges::find(kComparators, comparator) == kComparators.end())
      return Fail(ErrorCode::kInvalidArgument, "no comparator: '" + comparator + "'");
    GUIDON_ASSIGN(const auto right, Operand());
    return Ordered(left, comparator, right);
  }

  static bool Ordered(const std::optional<AttributeValue>& left, std::string_view comparator,
                      const std::optional<AttributeValue>& right) {
    if (comparator == "<>") return !(left && right && *left == *right);
    if (!left || !right) return false;
    if (comparator == "=") return *left == *right;
    const auto order = Compare(*left, *right);
    if (!order) return false;
    if (comparator == "<") return *order < 0;
    if (comparator == "<=") return *order <= 0;
    return comparator == ">" ? *order > 0 : *order >= 0;
  }

  const std::vector<std::string> tokens_;
  std::size_t at_ = 0;
  const Placeholders& placeholders_;
  const Item* item_;
};

}  // namespace

Result<Placeholders> Placeholders::From(const model::Object& request) {
  Placeholders placeholders;
  if (const model::Value* names = request.Find("ExpressionAttributeNames"); names != nullptr && names->AsObject()) {
    for (const auto& [token, name] : *names->AsObject()) {
      if (name.AsString() == nullptr) return Fail(ErrorCode::kInvalidArgument, "a name that is no text");
      placeholders.names_.emplace(token, *name.AsString());
    }
  }
  if (const model::Value* values = request.Find("ExpressionAttributeValues"); values != nullptr && values->AsObject()) {
    GUIDON_ASSIGN(const Item decoded, store_dynamodb::ItemFrom(*values));
    for (const auto& [token, value] : decoded) placeholders.values_.emplace(token, value);
  }
  return placeholders;
}

Result<std::string> Placeholders::Name(std::string_view token) const {
  if (!token.starts_with('#')) return std::string(token);
  const auto found = names_.find(token);
  if (found != names_.end()) return found->second;
  return Fail(ErrorCode::kInvalidArgument, "undefined name " + std::string(token));
}

Result<AttributeValue> Placeholders::Value(std::string_view token) const {
  const auto found = values_.find(token);
  if (found != values_.end()) return found->second;
  return Fail(ErrorCode::kInvalidArgument, "undefined value " + std::string(token));
}

Result<bool> HoldsFor(std::string_view condition, const Placeholders& placeholders, const Item* item) {
  return Parser(condition, placeholders, item).Whole();
}

base::Status ApplyUpdate(std::string_view update, const Placeholders& placeholders, Item& item) {
  const std::vector<std::string> tokens = Tokens(update);
  const Item before = item;
  std::string clause;
  for (std::size_t i = 0; i < tokens.size();) {
    if (IsWord(tokens[i], "SET") || IsWord(tokens[i], "REMOVE")) {
      clause = IsWord(tokens[i], "SET") ? "SET" : "REMOVE";
      ++i;
      continue;
    }
    GUIDON_ASSIGN(const std::string name, placeholders.Name(tokens[i]));
    if (clause == "REMOVE") {
      item.Erase(name);
      ++i;
    } else if (clause == "SET" && i + 2 < tokens.size() && tokens[i + 1] == "=") {
      if (tokens[i + 2].starts_with(':')) {
        GUIDON_ASSIGN(AttributeValue value, placeholders.Value(tokens[i + 2]));
        item.Set(name, std::move(value));
      } else {
        GUIDON_ASSIGN(const std::string source, placeholders.Name(tokens[i + 2]));
        const AttributeValue* value = before.Find(source);
        if (value == nullptr) return Fail(ErrorCode::kInvalidArgument, "an attribute that is not in the item");
        item.Set(name, *value);
      }
      i += 3;
    } else {
      return Fail(ErrorCode::kInvalidArgument, "no update: '" + tokens[i] + "'");
    }
    if (i < tokens.size() && tokens[i] == ",") ++i;
  }
  return {};
}

std::optional<int> Compare(const AttributeValue& a, const AttributeValue& b) {
  const auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (a.AsString() != nullptr && b.AsString() != nullptr) return sign(*a.AsString(), *b.AsString());
  if (a.AsBinary() != nullptr && b.AsBinary() != nullptr) return sign(a.AsBinary()->bytes, b.AsBinary()->bytes);
  if (a.AsNumber() == nullptr || b.AsNumber() == nullptr) return std::nullopt;
  if (*a.AsNumber() == *b.AsNumber()) return 0;
  // Exact for integers up to 2^53, which is what tests compare.
  return sign(std::strtod(a.AsNumber()->text.c_str(), nullptr), std::strtod(b.AsNumber()->text.c_str(), nullptr));
}

}  // namespace guidon::dynamodb_test
