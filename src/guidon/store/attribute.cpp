// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/attribute.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "guidon/base/text.hpp"
#include "guidon/store/item_json.hpp"
#include "guidon/store/table.hpp"
#include "guidon/store/table_rules.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Status;

constexpr std::size_t kNestingMax = 32;
constexpr std::size_t kNumberDigitsMax = 38;
constexpr int kNumberExponentMin = -130;
constexpr int kNumberExponentMax = 125;
// Longer text cannot be a number in range, however many zeros it has.
constexpr std::size_t kNumberTextMax = 512;
constexpr std::size_t kAttributeNameBytesMax = 65535;
// Numbers between these powers of ten are written without an exponent, as people and JSON do.
constexpr int kPlainExponentMin = -7;
constexpr int kPlainExponentMax = 21;

// The value is 0 (no digits), or ±d.ddd × 10^exponent with neither leading nor trailing zeros.
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The exponent part "e-5" of a number; nothing where it is malformed.
std::optional<int> ParseExponent(std::string_view text) {
  text.remove_prefix(1);
  if (text.starts_with("+-")) return {};  // the minus would be taken for the number's own
  if (text.starts_with('+')) text.remove_prefix(1);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < -100'000 || value > 100'000) return {};
  return value;
}

// Splits "012.340" into digits "1234" and the power of ten of the first of them.
std::optional<Decimal> ParseMantissa(std::string_view text) {
  Decimal decimal;
  bool point_seen = false;
  bool digit_seen = false;
  int integer_digits = 0;
  int leading_fraction_zeros = 0;
  for (const char c : text) {
    if (c == '.' && !point_seen) {
      point_seen = true;
      continue;
    }
    if (!IsDigit(c)) return {};
    digit_seen = true;
    if (decimal.digits.empty() && c == '0') {
      if (point_seen) ++leading_fraction_zeros;
      continue;
    }
    decimal.digits.push_back(c);
    if (!point_seen) ++integer_digits;
  }
  if (!digit_seen) return {};
  decimal.exponent = integer_digits > 0 ? integer_digits - 1 : -leading_fraction_zeros - 1;
  while (!decimal.digits.empty() && decimal.digits.back() == '0') decimal.digits.pop_back();
  return decimal;
}

std::optional<Decimal> ParseDecimal(std::string_view text) {
  if (text.empty() || text.size() > kNumberTextMax) return {};
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  const std::size_t mark = text.find_first_of("eE");
  auto decimal = ParseMantissa(text.substr(0, mark));
  if (!decimal) return {};
  if (mark != std::string_view::npos) {
    const auto exponent = ParseExponent(text.substr(mark));
    if (!exponent) return {};
    decimal->exponent += *exponent;
  }
  if (decimal->digits.empty()) return Decimal{};
  decimal->negative = negative;
  return decimal;
}

bool InRange(const Decimal& decimal) {
  return decimal.digits.size() <= kNumberDigitsMax && decimal.exponent >= kNumberExponentMin &&
         decimal.exponent <= kNumberExponentMax;
}

std::string FormatDecimal(const Decimal& decimal) {
  if (decimal.digits.empty()) return "0";
  const std::string sign = decimal.negative ? "-" : "";
  const int exponent = decimal.exponent;
  const int count = static_cast<int>(decimal.digits.size());
  if (exponent < kPlainExponentMin || exponent > kPlainExponentMax) {
    const std::string fraction = count > 1 ? "." + decimal.digits.substr(1) : "";
    return fmt::format("{}{}{}E{}", sign, decimal.digits[0], fraction, exponent);
  }
  if (exponent < 0) return fmt::format("{}0.{}{}", sign, std::string(-exponent - 1, '0'), decimal.digits);
  if (count <= exponent + 1) return sign + decimal.digits + std::string(exponent + 1 - count, '0');
  return fmt::format("{}{}.{}", sign, decimal.digits.substr(0, exponent + 1), decimal.digits.substr(exponent + 1));
}

// Most numbers here: nothing but a few digits, the first of which is not 0. Spares them the general parser.
bool IsPlainInteger(std::string_view text) {
  constexpr std::size_t kDigitsMax = 18;  // any such number fits into 64 bits
  return !text.empty() && text.size() <= kDigitsMax && text.front() != '0' && std::ranges::all_of(text, IsDigit);
}

std::size_t NumberSize(const Number& number) {
  if (IsPlainInteger(number.text)) return (number.text.find_last_not_of('0') + 2) / 2 + 1;
  const auto decimal = ParseDecimal(number.text);
  if (!decimal) return number.text.size();
  return (decimal->digits.size() + 1) / 2 + 1 + (decimal->negative ? 1 : 0);
}

std::size_t ValueSize(const AttributeValue& value);

struct SizeOf {
  std::size_t operator()(const std::string& text) const { return text.size(); }
  std::size_t operator()(const Number& number) const { return NumberSize(number); }
  std::size_t operator()(const Binary& binary) const { return binary.bytes.size(); }
  std::size_t operator()(bool) const { return 1; }
  std::size_t operator()(Null) const { return 1; }
  std::size_t operator()(const AttributeList& list) const {
    std::size_t size = 3;
    for (const auto& element : list) size += 1 + ValueSize(element);
    return size;
  }
  std::size_t operator()(const AttributeMap& map) const { return 3 + map.size() + ItemSize(map); }
  std::size_t operator()(const StringSet& set) const {
    std::size_t size = 0;
    for (const auto& element : set) size += element.size();
    return size;
  }
};

std::size_t ValueSize(const AttributeValue& value) { return std::visit(SizeOf{}, value.variant()); }

Status CheckValue(const AttributeValue& value, std::string_view attribute, std::size_t depth);

Status CheckName(std::string_view name, std::string_view attribute) {
  if (name.empty() || name.size() > kAttributeNameBytesMax || !base::IsUtf8(name)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("an attribute name is empty, longer than {} bytes or not UTF-8", kAttributeNameBytesMax),
                std::string(attribute));
  }
  return {};
}

Status CheckText(std::string_view text, std::string_view attribute) {
  if (base::IsUtf8(text)) return {};
  return Fail(ErrorCode::kInvalidArgument, "the text is not well-formed UTF-8", std::string(attribute));
}

struct CheckOf {
  std::string_view attribute;
  std::size_t depth;

  Status operator()(const std::string& text) const { return CheckText(text, attribute); }
  Status operator()(const Number& number) const {
    if (IsPlainInteger(number.text)) return {};
    const auto decimal = ParseDecimal(number.text);
    if (decimal && InRange(*decimal)) return {};
    return Fail(ErrorCode::kInvalidArgument,
                "not a number of at most 38 significant digits and a magnitude from 1E-130 to 9.99E+125",
                std::string(attribute));
  }
  Status operator()(const Binary&) const { return {}; }
  Status operator()(bool) const { return {}; }
  Status operator()(Null) const { return {}; }
  Status operator()(const AttributeList& list) const {
    GUIDON_TRY(CheckDepth());
    for (const auto& element : list) GUIDON_TRY(CheckValue(element, attribute, depth + 1));
    return {};
  }
  Status operator()(const AttributeMap& map) const {
    GUIDON_TRY(CheckDepth());
    for (const auto& [name, element] : map) {
      GUIDON_TRY(CheckName(name, attribute));
      GUIDON_TRY(CheckValue(element, attribute, depth + 1));
    }
    return {};
  }
  Status operator()(const StringSet& set) const {
    if (set.empty()) return Fail(ErrorCode::kInvalidArgument, "a set cannot be empty", std::string(attribute));
    for (const auto& element : set) GUIDON_TRY(CheckText(element, attribute));
    const auto not_ascending = [](const std::string& a, const std::string& b) { return a >= b; };
    if (std::ranges::adjacent_find(set, not_ascending) != set.end()) {
      return Fail(ErrorCode::kInvalidArgument, "a set is not sorted, or holds an element twice",
                  std::string(attribute));
    }
    return {};
  }

 private:
  Status CheckDepth() const {
    if (depth < kNestingMax) return {};
    return Fail(ErrorCode::kInvalidArgument, fmt::format("nested deeper than {} levels", kNestingMax),
                std::string(attribute));
  }
};

Status CheckValue(const AttributeValue& value, std::string_view attribute, std::size_t depth) {
  return std::visit(CheckOf{attribute, depth}, value.variant());
}

Status CheckKeyAttribute(const Item& item, std::string_view name, std::size_t bytes_max, bool required) {
  const AttributeValue* value = item.Find(name);
  if (value == nullptr) {
    if (!required) return {};
    return Fail(ErrorCode::kInvalidArgument, "the key attribute is missing", std::string(name));
  }
  const std::string* text = value->AsString();
  if (text == nullptr || text->empty() || text->size() > bytes_max) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a key attribute must be a string of 1 to {} bytes", bytes_max), std::string(name));
  }
  return {};
}

// The attribute that takes the most room: the one worth naming when an item is too large.
std::string LargestAttribute(const Item& item) {
  std::string_view largest;
  std::size_t largest_size = 0;
  for (const auto& [name, value] : item) {
    const std::size_t size = name.size() + ValueSize(value);
    if (size > largest_size) {
      largest = name;
      largest_size = size;
    }
  }
  return std::string(largest);
}

// Orders names as their first eight bytes do.
std::uint64_t HeadOf(std::string_view name) {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i) head = head << 8U | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
  return head;
}

bool NameLess(const AttributeMap::Entry& entry, std::string_view name) { return entry.first < name; }

}  // namespace

Number Number::From(std::int64_t value) { return {std::to_string(value)}; }

Number Number::From(double value) {
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string text(buffer.data(), result.ptr);
  const auto decimal = ParseDecimal(text);
  return {decimal ? FormatDecimal(*decimal) : text};
}

std::optional<std::int64_t> Number::AsInt64() const {
  if (IsPlainInteger(text)) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  const auto decimal = ParseDecimal(text);
  if (!decimal) return {};
  if (decimal->digits.empty()) return 0;
  const int zeros = decimal->exponent + 1 - static_cast<int>(decimal->digits.size());
  if (zeros < 0 || decimal->exponent > 18) return {};  // a fraction, or more digits than 64 bits hold
  const std::string plain = (decimal->negative ? "-" : "") + decimal->digits + std::string(zeros, '0');
  std::int64_t value = 0;
  const auto result = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  if (result.ec != std::errc{}) return {};
  return value;
}

bool operator==(const Number& a, const Number& b) {
  if (a.text == b.text) return true;
  const auto left = ParseDecimal(a.text);
  return left.has_value() && left == ParseDecimal(b.text);
}

std::string CanonicalText(const Number& number) {
  const auto decimal = ParseDecimal(number.text);
  if (!decimal) return number.text;
  return fmt::format("{}{}E{}", decimal->negative ? "-" : "", decimal->digits, decimal->exponent);
}

AttributeMap::AttributeMap() = default;
AttributeMap::AttributeMap(const AttributeMap&) = default;
AttributeMap::AttributeMap(AttributeMap&&) noexcept = default;
AttributeMap& AttributeMap::operator=(const AttributeMap&) = default;
AttributeMap& AttributeMap::operator=(AttributeMap&&) noexcept = default;
AttributeMap::~AttributeMap() = default;

AttributeMap::AttributeMap(std::initializer_list<Entry> entries) {
  Reserve(entries.size());
  for (const auto& [name, value] : entries) Set(name, value);
}

AttributeMap AttributeMap::FromEntries(std::vector<Entry> entries) {
  struct Place {
    std::uint64_t head;  // the first eight bytes of the name: they nearly always decide
    Entry* entry;
  };
  std::vector<Place> order;
  order.reserve(entries.size());
  for (Entry& entry : entries) order.push_back({.head = HeadOf(entry.first), .entry = &entry});
  std::ranges::sort(order, [](const Place& a, const Place& b) {
    if (a.head != b.head) return a.head < b.head;
    const int names = a.entry->first.compare(b.entry->first);
    return names != 0 ? names < 0 : a.entry < b.entry;
  });
  AttributeMap map;
  map.Reserve(entries.size());
  for (const Place& place : order) {
    const bool again = !map.entries_.empty() && map.entries_.back().first == place.entry->first;
    if (again) map.entries_.pop_back();
    map.entries_.push_back(std::move(*place.entry));
  }
  return map;
}

const AttributeValue* AttributeMap::Find(std::string_view name) const {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), name, NameLess);
  return found != entries_.end() && found->first == name ? &found->second : nullptr;
}

void AttributeMap::Set(std::string_view name, AttributeValue value) {
  // What was encoded comes back in order.
  if (entries_.empty() || entries_.back().first < name) {
    entries_.emplace_back(std::string(name), std::move(value));
    return;
  }
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), name, NameLess);
  if (found != entries_.end() && found->first == name) {
    found->second = std::move(value);
  } else {
    entries_.emplace(found, std::string(name), std::move(value));
  }
}

bool AttributeMap::Append(std::string_view name, AttributeValue value) {
  if (!entries_.empty() && entries_.back().first >= name) return false;
  entries_.emplace_back(name, std::move(value));
  return true;
}

void AttributeMap::Reserve(std::size_t count) { entries_.reserve(count); }

bool AttributeMap::Erase(std::string_view name) {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), name, NameLess);
  if (found == entries_.end() || found->first != name) return false;
  entries_.erase(found);
  return true;
}

std::size_t AttributeMap::size() const { return entries_.size(); }
std::vector<AttributeMap::Entry>::const_iterator AttributeMap::begin() const { return entries_.begin(); }
std::vector<AttributeMap::Entry>::const_iterator AttributeMap::end() const { return entries_.end(); }
bool operator==(const AttributeMap& a, const AttributeMap& b) { return a.entries_ == b.entries_; }

std::size_t ItemSize(const Item& item) {
  std::size_t size = 0;
  for (const auto& [name, value] : item) size += name.size() + ValueSize(value);
  return size;
}

Status ValidateItem(const Item& item) {
  for (const Index index : {Index::kTable, Index::kGsi1Flags, Index::kGsi2Owner, Index::kGsi3Tenant}) {
    const IndexAttributes names = AttributesOf(index);
    const bool required = index == Index::kTable;
    GUIDON_TRY(CheckKeyAttribute(item, names.partition, kPartitionKeyBytesMax, required));
    GUIDON_TRY(CheckKeyAttribute(item, names.sort, kSortKeyBytesMax, required));
  }
  for (const auto& [name, value] : item) {
    GUIDON_TRY(CheckName(name, name));
    GUIDON_TRY(CheckValue(value, name, 0));
  }
  if (const std::size_t size = ItemSize(item); size > kItemBytesMax) {
    return Fail(ErrorCode::kTooLarge,
                fmt::format("the item has {} bytes, {} are allowed; its largest attribute is {}", size, kItemBytesMax,
                            LargestAttribute(item)),
                LargestAttribute(item));
  }
  return {};
}

}  // namespace guidon::store
