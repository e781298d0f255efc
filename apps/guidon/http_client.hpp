// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/guidon/failure.hpp"
#include "guidon/base/percent_encoding.hpp"

namespace guidon::cli {

struct HttpClientOptions {
  std::string url;      // "http://127.0.0.1:3001", without a path at its end
  std::string api_key;  // "" = none; goes into the Authorization header only
  std::chrono::milliseconds timeout{20'000};
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // path and query, percent-encoded
  std::string body = {};
  std::vector<std::string> headers = {};  // "Name: value"
  bool endless = false;                   // the answer has no end: the time limit is for connecting only
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// One connection to one server, kept between requests. Not thread-safe. Follows no redirects, so that a credential
// goes to the configured host only. libcurl is loaded by the first client: its libraries take memory that a server,
// which never is a client, should not pay for.
class HttpClient {
 public:
  // Errors: kUsage (not an http or https URL), kFailure (libcurl is not installed).
  static Outcome<std::unique_ptr<HttpClient>> Create(HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is an answer. `body_sink` takes the body of an answer with status 200 as it comes instead of
  // HttpAnswer::body; false from it stops the transfer. Errors: kUnavailable where no answer came.
  Outcome<HttpAnswer> Send(const HttpRequest& request, const std::function<bool(std::string_view)>& body_sink = {});

  const std::string& url() const { return options_.url; }

 private:
  struct Library;
  explicit HttpClient(HttpClientOptions options, const Library& library);
  static Outcome<const Library*> LoadLibrary();
  Failure Unreachable(int code, std::string_view detail) const;

  HttpClientOptions options_;
  const Library& library_;
  void* handle_ = nullptr;
};

using base::PercentEncode;

// True for 127.0.0.0/8, ::1 and localhost, as host part of a URL.
bool IsLoopbackHost(std::string_view host);

}  // namespace guidon::cli
