// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/stream_tokens.hpp"

#include <cstddef>

#include "guidon/app/crypto.hpp"
#include "guidon/base/text.hpp"

namespace guidon::app {
namespace {

constexpr std::size_t kIvBytes = 16;
constexpr std::size_t kSealedTextBytesMax = 512;  // the longest grant has some 400
constexpr std::string_view kGrantPurpose = "grant/1";
constexpr std::string_view kEventPurpose = "event/1/";

void AppendNumber(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(number >> static_cast<unsigned>(shift));
}

void AppendText(std::string& out, std::string_view text) {
  AppendNumber(out, text.size());
  out += text;
}

// Takes values off the front; fails for good where something is missing.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t Number() {
    std::uint64_t number = 0;
    for (const char c : Take(8)) number = (number << 8U) | static_cast<unsigned char>(c);
    return number;
  }
  std::string Text() { return std::string(Take(Number())); }
  bool complete() const { return whole_ && bytes_.empty(); }

 private:
  std::string_view Take(std::uint64_t size) {
    whole_ = whole_ && size <= bytes_.size();
    if (!whole_) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::string_view bytes_;
  bool whole_ = true;
};

std::string EventPurpose(std::string_view scope) { return std::string(kEventPurpose) + std::string(scope); }

}  // namespace

std::int64_t StreamWindow(base::Timestamp now) {
  return std::chrono::floor<std::chrono::seconds>(now).time_since_epoch() /
         std::chrono::duration_cast<std::chrono::seconds>(kStreamGrantWindow);
}

base::Timestamp StreamGrantExpiry(base::Timestamp now) {
  // Not at the end of a window: those who were given it at its end need time to come for the next.
  return base::Timestamp{kStreamGrantWindow * (StreamWindow(now) + 1) + kStreamGrantWindow / 2};
}

StreamTokens::StreamTokens(std::string_view secret)
    : mac_key_(HmacSha256(secret, "guidon stream mac")), cipher_key_(HmacSha256(secret, "guidon stream cipher")) {}

std::string StreamTokens::IvOf(std::string_view purpose, std::string_view plain) const {
  std::string text;
  AppendText(text, purpose);
  text += plain;
  return HmacSha256(mac_key_, text).substr(0, kIvBytes);
}

// The initial vector is the code over the content (as in RFC 5297), so nothing random is needed and equal contents give
// equal texts.
std::string StreamTokens::Seal(std::string_view purpose, std::string_view plain) const {
  const std::string iv = IvOf(purpose, plain);
  return base::ToBase64Url(iv + Aes256Ctr(cipher_key_, iv, plain));
}

std::optional<std::string> StreamTokens::Open(std::string_view purpose, std::string_view sealed) const {
  if (sealed.size() > kSealedTextBytesMax) return std::nullopt;
  const auto bytes = base::FromBase64Url(sealed);
  if (!bytes || bytes->size() < kIvBytes) return std::nullopt;
  const std::string_view iv = std::string_view(*bytes).substr(0, kIvBytes);
  std::string plain = Aes256Ctr(cipher_key_, iv, std::string_view(*bytes).substr(kIvBytes));
  if (!ConstantTimeEqual(IvOf(purpose, plain), iv)) return std::nullopt;
  return plain;
}

std::string StreamTokens::Issue(const StreamGrant& grant) const {
  std::string plain;
  AppendText(plain, grant.environment);
  AppendText(plain, grant.tenant);
  AppendText(plain, grant.key_id);
  AppendNumber(plain, static_cast<std::uint64_t>(grant.expires_at.time_since_epoch().count()));
  AppendNumber(plain, grant.since);
  return Seal(kGrantPurpose, plain);
}

std::optional<StreamGrant> StreamTokens::Read(std::string_view token) const {
  const auto plain = Open(kGrantPurpose, token);
  if (!plain) return std::nullopt;
  FieldReader reader(*plain);
  StreamGrant grant{.environment = reader.Text(), .tenant = reader.Text(), .key_id = reader.Text()};
  grant.expires_at = base::Timestamp{std::chrono::milliseconds{static_cast<std::int64_t>(reader.Number())}};
  grant.since = reader.Number();
  if (!reader.complete()) return std::nullopt;
  return grant;
}

std::string StreamTokens::EventId(std::string_view scope, std::uint64_t sequence) const {
  std::string plain;
  AppendNumber(plain, sequence);
  return Seal(EventPurpose(scope), plain);
}

std::optional<std::uint64_t> StreamTokens::SequenceOf(std::string_view scope, std::string_view event_id) const {
  const auto plain = Open(EventPurpose(scope), event_id);
  if (!plain) return std::nullopt;
  FieldReader reader(*plain);
  const std::uint64_t sequence = reader.Number();
  if (!reader.complete()) return std::nullopt;
  return sequence;
}

}  // namespace guidon::app
