// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/signer.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "guidon/aws/digest.hpp"
#include "guidon/base/percent_encoding.hpp"
#include "guidon/base/text.hpp"

namespace guidon::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Each byte that is not unreserved as %XX. What is encoded already stays as it is where `keep_escapes`.
std::string Encode(std::string_view text, bool keep_escapes) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool escape =
        keep_escapes && c == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0;
    if (base::IsUnreserved(c) || escape) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// RFC 3986 section 5.2.4, and neighbouring slashes become one.
std::string CanonicalPath(std::string_view path) {
  std::vector<std::string_view> segments;
  const bool slash_at_end = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!segment.empty() && segment != "." && segment != "..") segments.push_back(segment);
    at = end + 1;
  }
  std::string out;
  for (const auto segment : segments) out += "/" + Encode(segment, false);
  if (out.empty() || slash_at_end) out += '/';
  return out;
}

std::string CanonicalQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  for (std::size_t at = 0; at < query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    const std::string_view part = query.substr(at, end - at);
    const std::size_t equals = std::min(part.find('='), part.size());
    if (!part.empty())
      parameters.emplace_back(Encode(part.substr(0, equals), true),
                              Encode(part.substr(std::min(equals + 1, part.size())), true));
    at = end + 1;
  }
  std::ranges::sort(parameters);
  std::string out;
  for (const auto& [name, value] : parameters) {
    fmt::format_to(std::back_inserter(out), "{}{}={}", out.empty() ? "" : "&", name, value);
  }
  return out;
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Without spaces at the ends, and runs of spaces as one.
std::string Squeeze(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c != ' ' && c != '\t') {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string SigningKey(std::string_view secret, const SigningScope& scope, std::string_view day) {
  const std::string day_key = HmacSha256(fmt::format("AWS4{}", secret), day);
  return HmacSha256(HmacSha256(HmacSha256(day_key, scope.region), scope.service), "aws4_request");
}

std::string WithKey(const CanonicalRequest& request, std::string_view key_id, std::string_view key,
                    const SigningScope& scope, std::string_view amz_date) {
  const std::string scope_text =
      fmt::format("{}/{}/{}/aws4_request", amz_date.substr(0, 8), scope.region, scope.service);
  const std::string to_sign =
      fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope_text, base::ToHex(Sha256(request.text)));
  return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, key_id, scope_text,
                     request.signed_headers, base::ToHex(HmacSha256(key, to_sign)));
}

}  // namespace

std::string AmzDate(base::Timestamp time) {
  const std::string text = base::FormatTimestamp(time);  // 2015-08-30T12:36:00.000Z
  return text.substr(0, 4) + text.substr(5, 2) + text.substr(8, 5) + text.substr(14, 2) + text.substr(17, 2) + "Z";
}

CanonicalRequest Canonicalize(std::string_view method, std::string_view target, const HttpHeaders& headers,
                              std::string_view body) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  std::map<std::string, std::string> merged;
  for (const auto& [name, value] : headers) {
    const auto [entry, added] = merged.try_emplace(LowerCase(name), Squeeze(value));
    if (!added) entry->second += "," + Squeeze(value);
  }
  CanonicalRequest request;
  std::string lines;
  for (const auto& [name, value] : merged) {
    fmt::format_to(std::back_inserter(lines), "{}:{}\n", name, value);
    request.signed_headers += (request.signed_headers.empty() ? "" : ";") + name;
  }
  request.text = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", method, CanonicalPath(target.substr(0, mark)),
                             CanonicalQuery(target.substr(std::min(mark + 1, target.size()))), lines,
                             request.signed_headers, base::ToHex(Sha256(body)));
  return request;
}

std::string Authorization(const CanonicalRequest& request, const Credentials& credentials, const SigningScope& scope,
                          std::string_view amz_date) {
  const std::string key = SigningKey(credentials.secret_access_key, scope, amz_date.substr(0, 8));
  return WithKey(request, credentials.access_key_id, key, scope, amz_date);
}

void Sign(HttpRequest& request, const Credentials& credentials, const SigningScope& scope, base::Timestamp time) {
  Signer(scope).Sign(request, credentials, time);
}

std::string Signer::KeyOf(const Credentials& credentials, std::string_view day) {
  const std::lock_guard lock(mutex_);
  if (day_ != day || secret_ != credentials.secret_access_key) {
    day_ = day;
    secret_ = credentials.secret_access_key;
    key_ = SigningKey(secret_, scope_, day_);
  }
  return key_;
}

void Signer::Sign(HttpRequest& request, const Credentials& credentials, base::Timestamp time) {
  const UrlParts url = SplitUrl(request.url);
  const std::string date = AmzDate(time);
  request.headers.emplace_back("host", url.authority);
  request.headers.emplace_back("x-amz-date", date);
  if (!credentials.session_token.empty())
    request.headers.emplace_back("x-amz-security-token", credentials.session_token);
  const CanonicalRequest canonical = Canonicalize(request.method, url.target, request.headers, request.body);
  const std::string key = KeyOf(credentials, std::string_view(date).substr(0, 8));
  request.headers.emplace_back("authorization", WithKey(canonical, credentials.access_key_id, key, scope_, date));
}

}  // namespace guidon::aws
