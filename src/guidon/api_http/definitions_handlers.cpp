// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"

namespace guidon::api_http::handlers {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

// In one URL, which has a limit of its own.
constexpr std::size_t kNamedFlagsMax = 1000;

// "a,b" as keys, sorted, each once.
Result<std::vector<std::string>> NamedFlags(const std::string* text) {
  std::vector<std::string> keys;
  if (text == nullptr) return keys;
  std::string_view left = *text;
  while (true) {
    const std::size_t comma = left.find(',');
    GUIDON_ASSIGN(const auto key, model::FlagKey::Parse(left.substr(0, comma), "flags"));
    keys.push_back(key.str());
    if (keys.size() > kNamedFlagsMax)
      return Fail(ErrorCode::kTooLarge, "names more than 1,000 flags; leave it out to have all", "flags");
    if (comma == std::string_view::npos) break;
    left.remove_prefix(comma + 1);
  }
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  return keys;
}

}  // namespace

Result<Response> GetDefinitions(const Call& call) {
  const app::Principal& principal = call.info.principal;
  GUIDON_ASSIGN(const auto environment, EnvironmentOf(call));
  DefinitionsRequest request{.environment = environment,
                             .tenant = principal.tenant_id.value_or(""),
                             .key_id = principal.kind == app::PrincipalKind::kLocal ? "" : principal.id,
                             .if_none_match = call.if_none_match,
                             .gzip = call.takes_gzip};
  GUIDON_ASSIGN(request.flags, NamedFlags(call.query.Find("flags")));
  if (const std::string* since = call.query.Find("since")) request.since = *since;
  if (const std::string* announced = call.query.Find("flagConfigEtag")) request.announced = *announced;
  return call.api.definitions().Answer(request);
}

}  // namespace guidon::api_http::handlers
