// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/api_http/definitions_body.hpp"
#include "guidon/api_http/definitions_view.hpp"
#include "guidon/api_http/http.hpp"
#include "guidon/app/application.hpp"
#include "guidon/base/result.hpp"

namespace guidon::api_http {

struct DefinitionsRequest {
  model::Environment environment;
  std::string tenant = {};              // of the credential; "" = none
  std::string key_id = {};              // of the credential; "" = no key
  std::vector<std::string> flags = {};  // sorted, each once
  std::string since = {};               // entity tag of what the caller has, with quotes; "" = nothing
  std::string announced = {};           // entity tag that an event told; "" = none
  std::string if_none_match = {};
  bool gzip = false;
};

// Answers with definitions, each written down once for all who ask for the same. Thread-safe; may block on the store.
class DefinitionsAnswers {
 public:
  explicit DefinitionsAnswers(app::Application& app) : app_(app) {}
  // Errors: those of DefinitionsKeeper::Read and WriteDefinitions.
  base::Result<Response> Answer(const DefinitionsRequest& request);

 private:
  using Body = std::shared_ptr<const DefinitionsBody>;
  // What a client with some of the definitions can be told.
  struct Had {
    std::uint64_t sequence = 0;
    std::string revision;
  };
  std::optional<Had> Read(const DefinitionsRequest& request, std::string_view tag) const;
  std::optional<std::uint64_t> SinceOf(const DefinitionsRequest& request, const app::KeptDefinitions& kept) const;
  std::string TagOf(const DefinitionsRequest& request, const app::KeptDefinitions& kept, std::uint64_t sequence) const;
  void CatchUp(const DefinitionsRequest& request) const;
  base::Result<Body> BodyOf(const DefinitionsView& view, const app::KeptDefinitions& kept);
  std::string EndOf(const DefinitionsRequest& request, std::uint64_t sequence) const;

  app::Application& app_;
  std::mutex mutex_;
  struct Bodies {
    std::string state;  // sequence and revision that they are of
    std::map<std::string, Body> by_view;
    std::size_t bytes = 0;
  };
  std::map<std::string, Bodies, std::less<>> bodies_;  // by environment
};

}  // namespace guidon::api_http
