// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/aws/credentials.hpp"
#include "guidon/aws/http.hpp"
#include "guidon/base/time.hpp"

// Signature Version 4: AWS General Reference, "Signature Version 4 signing process". Every header that is there is
// signed. Pure functions; thread-safe.
namespace guidon::aws {

struct SigningScope {
  std::string region;
  std::string service;
};

// "20150830T123600Z".
std::string AmzDate(base::Timestamp time);

// Adds what a signed request needs: `host`, `x-amz-date`, `x-amz-security-token` where there is one, `authorization`.
// The request must have none of them. Precondition: `url` is an http or https URL.
void Sign(HttpRequest& request, const Credentials& credentials, const SigningScope& scope, base::Timestamp time);

// Signs for one client. The key that is derived from a secret holds for a day and is kept: deriving it costs four of
// the five digests of a signature. Thread-safe.
class Signer {
 public:
  explicit Signer(SigningScope scope) : scope_(std::move(scope)) {}
  // As the function Sign.
  void Sign(HttpRequest& request, const Credentials& credentials, base::Timestamp time);

 private:
  std::string KeyOf(const Credentials& credentials, std::string_view day);

  const SigningScope scope_;
  std::mutex mutex_;
  std::string day_;
  std::string secret_;
  std::string key_;
};

// The steps, for tests. `headers` has everything that is signed, the target is path and query of the URL.
struct CanonicalRequest {
  std::string text;
  std::string signed_headers;  // "host;x-amz-date"
};
CanonicalRequest Canonicalize(std::string_view method, std::string_view target, const HttpHeaders& headers,
                              std::string_view body);
std::string Authorization(const CanonicalRequest& request, const Credentials& credentials, const SigningScope& scope,
                          std::string_view amz_date);

}  // namespace guidon::aws
