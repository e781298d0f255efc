// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/sts.hpp"

#include <string_view>

#include <fmt/format.h>

#include "guidon/base/percent_encoding.hpp"

namespace guidon::aws {
namespace {

using base::ErrorCode;
using base::Fail;

// Text of the first element of that name. STS writes no attributes, comments or nested elements of one name into what
// is read here.
std::string ElementOf(std::string_view xml, std::string_view name) {
  const std::string open = fmt::format("<{}>", name);
  const std::size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = xml.find(fmt::format("</{}>", name), begin);
  if (end == std::string_view::npos) return {};
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

}  // namespace

base::Result<Credentials> CallSts(HttpTransport& transport, const base::Clock& clock, const StsCall& call,
                                  const Credentials* signer) {
  HttpRequest request{.url = call.endpoint + "/", .headers = {{"content-type", "application/x-www-form-urlencoded"}}};
  request.body = "Version=2011-06-15";
  for (const auto& [name, value] : call.parameters) request.body += "&" + name + "=" + base::PercentEncode(value);
  if (signer != nullptr) Sign(request, *signer, {.region = call.region, .service = "sts"}, clock.Now());
  const auto answer = transport.Send(request);
  if (!answer)
    return Fail(ErrorCode::kUnavailable, fmt::format("no answer from {}: {}", call.endpoint, answer.error().message));
  if (answer->status != 200)
    return Fail(answer->status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kUnauthenticated,
                fmt::format("{} refused with status {}: {} {} (request id {})", call.endpoint, answer->status,
                            ElementOf(answer->body, "Code"), ElementOf(answer->body, "Message"),
                            ElementOf(answer->body, "RequestId")));
  Credentials credentials{.access_key_id = ElementOf(answer->body, "AccessKeyId"),
                          .secret_access_key = ElementOf(answer->body, "SecretAccessKey"),
                          .session_token = ElementOf(answer->body, "SessionToken")};
  GUIDON_ASSIGN(credentials.expires_at, base::ParseTimestamp(ElementOf(answer->body, "Expiration"), "Expiration"));
  if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) return credentials;
  return Fail(ErrorCode::kUnavailable, fmt::format("{} gave no credentials", call.endpoint));
}

}  // namespace guidon::aws
