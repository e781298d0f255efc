// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/checksum.hpp"

#include <charconv>
#include <string_view>
#include <variant>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "guidon/store/item_json.hpp"

namespace guidon::upkeep {
namespace {

using store::AttributeValue;

constexpr std::size_t kWordDigits = 16;

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

// Type letter, length, bytes: no two values run into each other.
void FeedText(std::string& out, char type, std::string_view text) {
  out += fmt::format("{}{}:{}", type, text.size(), text);
}

void FeedMap(std::string& out, const store::AttributeMap& map);

void FeedValue(std::string& out, const AttributeValue& value) {
  std::visit(Overloaded{[&](const std::string& text) { FeedText(out, 'S', text); },
                        [&](const store::Number& number) { FeedText(out, 'N', store::CanonicalText(number)); },
                        [&](const store::Binary& binary) { FeedText(out, 'B', binary.bytes); },
                        [&](bool flag) { out += flag ? '+' : '-'; }, [&](store::Null) { out += '0'; },
                        [&](const store::AttributeList& list) {
                          out += fmt::format("L{}:", list.size());
                          for (const AttributeValue& element : list) FeedValue(out, element);
                        },
                        [&](const store::AttributeMap& map) { FeedMap(out, map); },
                        [&](const store::StringSet& set) {
                          out += fmt::format("T{}:", set.size());
                          for (const std::string& element : set) FeedText(out, 'S', element);
                        }},
             value.variant());
}

void FeedMap(std::string& out, const store::AttributeMap& map) {
  out += fmt::format("M{}:", map.size());
  for (const auto& [name, value] : map) {
    FeedText(out, 'K', name);
    FeedValue(out, value);
  }
}

std::uint64_t WordAt(std::string_view bytes, std::size_t word) {
  std::uint64_t value = 0;
  for (const char c : bytes.substr(word * sizeof(value), sizeof(value)))
    value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

// a += b, most significant word first.
void AddWords(std::array<std::uint64_t, 4>& a, const std::array<std::uint64_t, 4>& b) {
  bool carry = false;
  for (std::size_t i = a.size(); i-- > 0;) {
    const std::uint64_t before = a[i];
    a[i] += b[i] + (carry ? 1 : 0);
    carry = a[i] < before || (carry && a[i] == before);
  }
}

base::Result<Sum> SumFrom(const model::Value& value) {
  const auto corrupt = [] { return base::Fail(base::ErrorCode::kCorrupt, "a checksum is not readable"); };
  const model::Object* object = value.AsObject();
  if (object == nullptr) return corrupt();
  const model::Value* items = object->Find("items");
  const model::Value* bytes = object->Find("bytes");
  const model::Value* digest = object->Find("digest");
  if (items == nullptr || items->AsInteger() == nullptr || bytes == nullptr || bytes->AsInteger() == nullptr ||
      digest == nullptr || digest->AsString() == nullptr || digest->AsString()->size() != 4 * kWordDigits)
    return corrupt();
  Sum sum{.items = static_cast<std::uint64_t>(*items->AsInteger()),
          .bytes = static_cast<std::uint64_t>(*bytes->AsInteger())};
  const std::string& text = *digest->AsString();
  for (std::size_t i = 0; i < sum.digest.size(); ++i) {
    const char* begin = text.data() + i * kWordDigits;
    constexpr int kHex = 16;
    const auto parsed = std::from_chars(begin, begin + kWordDigits, sum.digest[i], kHex);
    if (parsed.ec != std::errc{} || parsed.ptr != begin + kWordDigits) return corrupt();
  }
  return sum;
}

}  // namespace

std::string ItemDigest(const store::Item& item) {
  std::string text;
  FeedMap(text, item);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void Sum::Add(const store::Item& item) {
  const std::string bytes_of_digest = ItemDigest(item);
  Sum one{.items = 1, .bytes = store::ItemSize(item)};
  for (std::size_t i = 0; i < one.digest.size(); ++i) one.digest[i] = WordAt(bytes_of_digest, i);
  *this += one;
}

Sum& Sum::operator+=(const Sum& other) {
  items += other.items;
  bytes += other.bytes;
  AddWords(digest, other.digest);
  return *this;
}

std::string Sum::DigestText() const {
  std::string text;
  for (const std::uint64_t word : digest) text += fmt::format("{:016x}", word);
  return text;
}

Sums& Sums::operator+=(const Sums& other) {
  for (const auto& [entity, sum] : other.by_entity_) by_entity_[entity] += sum;
  return *this;
}

Sum Sums::Total() const {
  Sum total;
  for (const auto& [entity, sum] : by_entity_) total += sum;
  return total;
}

model::Value Sums::ToValue() const {
  model::Object out;
  for (const auto& [entity, sum] : by_entity_) {
    model::Object one;
    one.Set("items", static_cast<std::int64_t>(sum.items));
    one.Set("bytes", static_cast<std::int64_t>(sum.bytes));
    one.Set("digest", sum.DigestText());
    out.Set(NameOf(entity), std::move(one));
  }
  return out;
}

base::Result<Sums> Sums::From(const model::Value& value) {
  if (value.AsObject() == nullptr) return base::Fail(base::ErrorCode::kCorrupt, "the checksums are not readable");
  Sums sums;
  for (const auto& [name, one] : *value.AsObject()) {
    const auto entity = EntityNamed(name);
    if (!entity)
      return base::Fail(base::ErrorCode::kUnsupported, fmt::format("checksums of an unknown entity '{}'", name));
    GUIDON_ASSIGN(sums.by_entity_[*entity], SumFrom(one));
  }
  return sums;
}

}  // namespace guidon::upkeep
