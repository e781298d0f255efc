// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/endpoint.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "guidon/aws/http.hpp"

namespace guidon::aws {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr std::size_t kRegionCharactersMax = 32;

std::string UpperCase(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::string ConfiguredEndpoint(std::string_view service, const Machine& machine, const ProfileFiles& profiles) {
  std::string ignore =
      machine.Variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").value_or(profiles.Get("ignore_configured_endpoint_urls"));
  if (UpperCase(ignore) == "TRUE") return {};
  if (auto url = machine.Variable("AWS_ENDPOINT_URL_" + UpperCase(service))) return *std::move(url);
  if (auto url = machine.Variable("AWS_ENDPOINT_URL")) return *std::move(url);
  const auto services = profiles.services.find(profiles.Get("services"));
  if (services != profiles.services.end()) {
    const auto found = services->second.find(std::string(service) + ".endpoint_url");
    if (found != services->second.end()) return found->second;
  }
  return profiles.Get("endpoint_url");
}

}  // namespace

Result<std::string> ResolveRegion(std::string_view configured, const Machine& machine, const ProfileFiles& profiles) {
  std::string region(configured);
  if (region.empty()) region = machine.Variable("AWS_REGION").value_or("");
  if (region.empty()) region = machine.Variable("AWS_DEFAULT_REGION").value_or("");
  if (region.empty()) region = profiles.Get("region");
  if (region.empty())
    return Fail(ErrorCode::kInvalidArgument, "no AWS region is configured: give --region or set AWS_REGION", "region");
  const bool plain = region.size() <= kRegionCharactersMax && std::ranges::all_of(region, [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                     });
  if (plain) return region;
  return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not the name of an AWS region", region), "region");
}

Result<std::string> ResolveEndpoint(std::string_view configured, std::string_view service, std::string_view region,
                                    const Machine& machine, const ProfileFiles& profiles) {
  std::string url(configured);
  if (url.empty()) url = ConfiguredEndpoint(service, machine, profiles);
  if (url.empty())
    url = fmt::format("https://{}.{}.amazonaws.com{}", service, region, region.starts_with("cn-") ? ".cn" : "");
  while (url.ends_with('/')) url.pop_back();
  if (!SplitUrl(url).scheme.empty()) return url;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is not the URL of an endpoint: it must begin with http:// or https:// and hold no user "
                          "name",
                          url),
              "endpoint");
}

}  // namespace guidon::aws
