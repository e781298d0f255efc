// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "guidon/store/segment_keys.hpp"

// The index of a segment's parts as bytes: a version, the revisions that made parts, then the parts in order, each with
// the beginning of its range cut against that of the part before.
namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr char kVersion = 1;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kRevisionBytesMax = 64;
constexpr unsigned kVarintBits = 7;
constexpr std::uint64_t kVarintMask = 0x7f;
constexpr unsigned kVarintShiftMax = 63;
// No index is near it: bounds what a damaged one can make us reserve.
constexpr std::uint64_t kPartsMax = 1UL << 20U;

void AppendNumber(std::string& out, std::uint64_t value) {
  for (; value > kVarintMask; value >>= kVarintBits) out.push_back(static_cast<char>((value & kVarintMask) | 0x80U));
  out.push_back(static_cast<char>(value));
}

void AppendText(std::string& out, std::string_view text) {
  AppendNumber(out, text.size());
  out += text;
}

std::size_t CommonPrefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// Reads on from the front; bad() once anything did not fit, and then everything is zero or empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t Number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift <= kVarintShiftMax; shift += kVarintBits) {
      const std::string_view byte = Bytes(1);
      if (byte.empty()) return 0;
      const auto bits = static_cast<unsigned char>(byte.front());
      value |= (bits & kVarintMask) << shift;
      if (bits <= kVarintMask) return value;
    }
    bad_ = true;
    return 0;
  }
  std::uint32_t Small() {
    const std::uint64_t value = Number();
    bad_ = bad_ || value > std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(value);
  }
  std::string_view Text() { return Bytes(Number()); }
  std::string_view Bytes(std::uint64_t size) {
    bad_ = bad_ || size > bytes_.size();
    if (bad_) return {};
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  std::uint64_t Checksum() {
    std::uint64_t sum = 0;
    for (const char c : Bytes(kChecksumBytes)) sum = sum << 8U | static_cast<unsigned char>(c);
    return sum;
  }
  void Refuse() { bad_ = true; }
  bool bad() const { return bad_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool bad_ = false;
};

// As base::RandomId makes them, and never a text that breaks a key.
bool IsRevision(std::string_view text) {
  return !text.empty() && text.size() <= kRevisionBytesMax &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

std::vector<std::string> RevisionsOf(const std::vector<SegmentPart>& parts) {
  std::vector<std::string> revisions;
  revisions.reserve(parts.size());
  for (const SegmentPart& part : parts) revisions.push_back(part.revision);
  std::ranges::sort(revisions);
  const auto twins = std::ranges::unique(revisions);
  revisions.erase(twins.begin(), twins.end());
  return revisions;
}

SegmentPart ReadPart(Reader& in, const std::vector<std::string>& revisions, const std::string& before) {
  SegmentPart part;
  const std::uint64_t shared = in.Number();
  if (shared > before.size()) in.Refuse();
  part.from = in.bad() ? std::string() : before.substr(0, shared);
  part.from += in.Text();
  const std::uint64_t revision = in.Number();
  if (revision >= revisions.size()) in.Refuse();
  if (!in.bad()) part.revision = revisions[revision];
  part.number = in.Small();
  part.keys = in.Small();
  part.bytes = in.Small();
  part.checksum = in.Checksum();
  return part;
}

}  // namespace

std::string EncodeSegmentParts(const std::vector<SegmentPart>& parts) {
  const std::vector<std::string> revisions = RevisionsOf(parts);
  std::string out(1, kVersion);
  AppendNumber(out, revisions.size());
  for (const std::string& revision : revisions) AppendText(out, revision);
  AppendNumber(out, parts.size());
  std::string_view before;
  for (const SegmentPart& part : parts) {
    const std::size_t shared = CommonPrefix(before, part.from);
    AppendNumber(out, shared);
    AppendText(out, std::string_view(part.from).substr(shared));
    AppendNumber(out,
                 static_cast<std::uint64_t>(std::ranges::lower_bound(revisions, part.revision) - revisions.begin()));
    AppendNumber(out, part.number);
    AppendNumber(out, part.keys);
    AppendNumber(out, part.bytes);
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((part.checksum >> shift) & 0xffU));
    before = part.from;
  }
  return out;
}

Result<std::vector<SegmentPart>> DecodeSegmentParts(std::string_view bytes, std::string_view field) {
  Reader in(bytes);
  const auto version = in.Bytes(1);
  if (!version.empty() && version.front() > kVersion)
    return Fail(ErrorCode::kUnsupported, "was written by a newer version of Guidon", std::string(field));
  std::vector<std::string> revisions;
  for (std::uint64_t left = in.Number(); left > 0 && !in.bad(); --left) {
    revisions.emplace_back(in.Text());
    if (!IsRevision(revisions.back())) in.Refuse();
  }
  std::vector<SegmentPart> parts;
  const std::uint64_t count = in.Number();
  if (version != std::string_view(&kVersion, 1) || count > kPartsMax) in.Refuse();
  std::string before;
  for (std::uint64_t i = 0; i < count && !in.bad(); ++i) {
    parts.push_back(ReadPart(in, revisions, before));
    const SegmentPart& part = parts.back();
    const bool in_order = i == 0 ? part.from.empty() : part.from > before;
    if (!in_order || part.keys == 0) in.Refuse();
    before = part.from;
  }
  if (!in.bad() && in.at_end()) return parts;
  return Fail(ErrorCode::kCorrupt, "is no index of a segment's keys", std::string(field));
}

}  // namespace guidon::store
