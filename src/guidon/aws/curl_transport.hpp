// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "guidon/aws/http.hpp"
#include "guidon/base/result.hpp"

namespace guidon::aws {

struct CurlTransportOptions {
  std::string user_agent = "guidon";
  std::string ca_bundle = {};             // PEM file of trusted authorities; "" = the system's
  std::size_t connections_kept_max = 64;  // idle ones: as many as calls are usually under way
};

// HttpTransport on libcurl's multi interface, driven by the callers' threads: connections are kept alive and passed on
// from caller to caller. Thread-safe. Its end cancels what is under way.
class CurlTransport final : public HttpTransport {
 public:
  // Error: kUnavailable where libcurl is not installed.
  static base::Result<std::unique_ptr<CurlTransport>> Create(CurlTransportOptions options = {});
  ~CurlTransport() override;

  std::expected<HttpResponse, TransportError> Send(const HttpRequest& request, std::stop_token stop) override;

 private:
  struct Lane;
  struct Impl;
  explicit CurlTransport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::aws
