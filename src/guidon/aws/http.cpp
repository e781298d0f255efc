// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/http.hpp"

#include <algorithm>

namespace guidon::aws {

UrlParts SplitUrl(std::string_view url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return {};
  const std::string_view scheme = url.substr(0, colon);
  if (scheme != "http" && scheme != "https") return {};
  std::string_view rest = url.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.empty() || authority.contains('@')) return {};
  UrlParts parts{.scheme = std::string(scheme), .authority = std::string(authority)};
  const std::size_t host_end = authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
  parts.host = std::string(authority.substr(0, host_end));
  rest.remove_prefix(end);
  parts.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return parts;
}

bool IsLoopbackHost(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host == "::1" || host.starts_with("127.");
}

}  // namespace guidon::aws
