// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "guidon/api_http/route.hpp"

namespace guidon::api_http {
namespace {

constexpr std::string_view kParameter = "{";  // no path has it as a segment: it would be percent-encoded

using Segments = std::array<std::string_view, kPathSegmentsMax>;

// Segments of "/a/b"; kPathSegmentsMax + 1 where there are more than any route has.
std::size_t Split(std::string_view path, Segments& segments) {
  std::size_t size = 0;
  path.remove_prefix(1);
  for (;;) {
    if (size == kPathSegmentsMax) return kPathSegmentsMax + 1;
    const std::size_t slash = path.find('/');
    segments[size++] = path.substr(0, slash);
    if (slash == std::string_view::npos) return size;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

Router::Router() {
  std::map<std::string_view, std::size_t> known;
  const auto routes = Routes();
  for (std::size_t index = 0; index < routes.size(); ++index) {
    const auto [entry, fresh] = known.try_emplace(routes[index].path, resources_.size());
    if (fresh) {
      Resource resource;
      resource.size = Split(routes[index].path, resource.segments);
      for (std::string_view& segment : resource.segments) {
        if (segment.starts_with('{')) segment = kParameter;
      }
      resources_.push_back(std::move(resource));
    }
    resources_[entry->second].routes.push_back(index);
  }
  for (Resource& resource : resources_) {
    for (const std::size_t index : resource.routes) {
      resource.allow += NameOf(routes[index].method);
      resource.allow += ", ";
      if (routes[index].method == Method::kGet) resource.allow += "HEAD, ";
    }
    resource.allow += "OPTIONS";
  }
}

RouteMatch Router::Find(Method method, std::string_view path) const {
  RouteMatch match;
  Segments segments;
  const std::size_t size = path.starts_with('/') ? Split(path, segments) : 0;
  const Method wanted = method == Method::kHead ? Method::kGet : method;
  for (const Resource& resource : resources_) {
    if (resource.size != size) continue;
    std::size_t parameters = 0;
    bool same = true;
    for (std::size_t i = 0; i < size && same; ++i) {
      if (resource.segments[i] != kParameter) {
        same = segments[i] == resource.segments[i];
      } else {
        same = !segments[i].empty();
        match.parameters[parameters++] = segments[i];
      }
    }
    if (!same) continue;
    match.allow = resource.allow;
    match.protocol = Routes()[resource.routes.front()].protocol;
    for (const std::size_t index : resource.routes) {
      if (Routes()[index].method != wanted) continue;
      match.route = &Routes()[index];
      match.index = index;
    }
    return match;
  }
  return match;
}

}  // namespace guidon::api_http
