// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

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
