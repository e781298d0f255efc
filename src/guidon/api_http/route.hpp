// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/api_http/http.hpp"
#include "guidon/app/principal.hpp"
#include "guidon/base/result.hpp"

namespace guidon::api_http {

struct Call;
struct Exchange;

enum class BodyRule : std::uint8_t {
  kNone,          // empty, or {} from clients that always send one
  kJson,          // application/json
  kOptionalJson,  // the same, or nothing
  kMergePatch,    // application/merge-patch+json or application/json
  kSegmentKeys,   // application/json, with the limit for whole key lists of a segment
  kEvaluation,    // application/json, with the limit for contexts
  kConnectStream  // application/connect+json: one short message
};

// One operation of the contract: what it needs and who carries it out. The table is the only list of them.
struct Route {
  // May block: runs on a worker thread, except where the route says otherwise.
  using Handler = base::Result<Response> (*)(const Call& call);
  // Never blocks; appends the whole answer to the output of the exchange and returns its status.
  using DirectHandler = int (*)(Exchange& exchange, std::string& out);

  Method method;
  std::string_view path;  // "/api/v1/environments/{env}/flags/{key}"
  app::Permission permission;
  BodyRule body;
  std::span<const std::string_view> query;  // names of the parameters it knows
  Protocol protocol = Protocol::kGuidon;
  bool on_io_thread = false;
  Handler handler = nullptr;  // exactly one of the two
  DirectHandler direct = nullptr;
};

// All of them. HEAD and OPTIONS follow from what is there.
std::span<const Route> Routes();

inline constexpr std::size_t kPathParametersMax = 3;
inline constexpr std::size_t kPathSegmentsMax = 8;

// Where a path leads. `parameters` are still percent-encoded, in the order of the template.
struct RouteMatch {
  const Route* route = nullptr;  // nullptr: unknown path, or `allow` says which methods there are
  std::size_t index = 0;         // in Routes()
  std::string_view allow = {};
  Protocol protocol = Protocol::kGuidon;
  std::array<std::string_view, kPathParametersMax> parameters = {};
};

// Finds routes. Immutable after construction.
class Router {
 public:
  Router();
  RouteMatch Find(Method method, std::string_view path) const;

 private:
  struct Resource {
    std::array<std::string_view, kPathSegmentsMax> segments = {};
    std::size_t size = 0;
    std::vector<std::size_t> routes = {};
    std::string allow = {};
  };
  std::vector<Resource> resources_;
};

}  // namespace guidon::api_http
