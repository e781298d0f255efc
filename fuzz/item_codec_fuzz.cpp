// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/store/codec.hpp"

// Items as another program, or a damaged disk, may leave them in the table. Input: one byte that chooses the entity,
// then the item: for each attribute a length byte, the name and a value. A value is a tag and what belongs to it: S, N
// and B a two-byte length and bytes; T, F and 0 (true, false, null) nothing; L and M a count byte and that many values
// or name and value; Z a count byte and that many texts.
//
// Nothing may crash, and what is read must be the same after it was written and read again.
namespace guidon::store {
namespace {

constexpr int kDepthMax = 32;  // DynamoDB's, which ValidateItem keeps

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  unsigned Byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  std::string Text(std::size_t size) {
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(text.size());
    return std::string(text);
  }
  std::string ShortText() { return Text(Byte()); }
  std::string LongText() {
    const unsigned high = Byte();
    return Text(high * 256UL + Byte());
  }

 private:
  std::string_view bytes_;
};

AttributeValue ReadValue(Input& in, int depth);

AttributeMap ReadMap(Input& in, unsigned count, int depth) {
  AttributeMap map;
  for (unsigned i = 0; i < count && !in.empty(); ++i) {
    std::string name = in.ShortText();
    map.Set(name, ReadValue(in, depth));
  }
  return map;
}

AttributeValue ReadNested(Input& in, bool is_map, int depth) {
  const unsigned count = depth >= kDepthMax ? 0 : in.Byte();
  if (is_map) return ReadMap(in, count, depth + 1);
  AttributeList list;
  for (unsigned i = 0; i < count && !in.empty(); ++i) list.push_back(ReadValue(in, depth + 1));
  return list;
}

AttributeValue ReadValue(Input& in, int depth) {
  switch (in.Byte()) {
    case 'S': return in.LongText();
    case 'N': return Number{in.LongText()};
    case 'B': return Binary{in.LongText()};
    case 'T': return true;
    case 'F': return false;
    case 'L': return ReadNested(in, false, depth);
    case 'M': return ReadNested(in, true, depth);
    case 'Z': {
      StringSet set;
      for (unsigned count = in.Byte(); count > 0 && !in.empty(); --count) set.push_back(in.ShortText());
      return set;
    }
    default: return Null{};
  }
}

void Require(bool holds) {
  if (!holds) std::abort();
}

// What is written of what was read is read as the same; records may clean up their text the first time.
template <class Decode, class Encode>
void Check(const Item& item, Decode decode, Encode encode, bool cleans = false) {
  const auto first = decode(item);
  if (!first) {
    const auto code = first.error().code;
    Require(code == base::ErrorCode::kCorrupt || code == base::ErrorCode::kUnsupported);
    return;
  }
  const Item written = encode(*first);
  const auto second = decode(written);
  Require(second.has_value());
  Require(cleans || *second == *first);
  const Item again = encode(*second);
  Require(cleans || again == written);
  const auto third = decode(again);
  Require(third.has_value() && *third == *second);
}

struct ReadOverride {
  model::Override override;
  base::Timestamp flag_created_at;
  friend bool operator==(const ReadOverride&, const ReadOverride&) = default;
};

base::Result<ReadOverride> DecodeWholeOverride(const Item& item) {
  GUIDON_ASSIGN(StoredOverride stored, DecodeOverride(item));
  return ReadOverride{std::move(stored.override), stored.flag_created_at.value_or(base::Timestamp{})};
}

Item EncodeWholeOverride(const ReadOverride& read) { return EncodeOverride(read.override, read.flag_created_at); }

void CheckEntity(unsigned choice, const Item& item) {
  switch (choice % 12) {
    case 0: return Check(item, DecodeFlag, EncodeFlag);
    case 1: return Check(item, DecodeWholeOverride, EncodeWholeOverride);
    case 2: return Check(item, DecodeSegment, EncodeSegment);
    case 3: return Check(item, DecodeKillSwitch, EncodeKillSwitch);
    case 4: return Check(item, DecodeTenant, EncodeTenant);
    case 5: return Check(item, DecodeApiKey, EncodeApiKey);
    case 6: return Check(item, DecodeAudit, EncodeAudit, true);
    case 7: return Check(item, DecodeChange, EncodeChange, true);
    case 8: return Check(item, DecodeIdempotency, EncodeIdempotency);
    case 9: return static_cast<void>(DecodeEvaluation(item));
    case 10: return static_cast<void>(DecodeAbTest(item));
    default: return static_cast<void>(DecodeAbAssignment(item));
  }
}

}  // namespace
}  // namespace guidon::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  guidon::store::Input in({reinterpret_cast<const char*>(data), size});
  const unsigned choice = in.Byte();
  constexpr unsigned kAttributesMax = 64;
  const guidon::store::Item item = guidon::store::ReadMap(in, kAttributesMax, 0);
  static_cast<void>(guidon::store::CreatedAtOf(item));
  guidon::store::CheckEntity(choice, item);
  return 0;
}
