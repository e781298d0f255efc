// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "guidon/aws/credentials.hpp"
#include "guidon/aws/http.hpp"
#include "guidon/aws/signer.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/base/result.hpp"

// AWS Security Token Service, Query API version 2011-06-15: AssumeRole and AssumeRoleWithWebIdentity.
namespace guidon::aws {

struct StsCall {
  std::string endpoint;
  std::string region;
  std::map<std::string, std::string> parameters;  // Action and its own
};

// `signer`: nullptr for the calls that are not signed (web identity). Errors: kUnauthenticated where STS refuses,
// kUnavailable where it does not answer.
base::Result<Credentials> CallSts(HttpTransport& transport, const base::Clock& clock, const StsCall& call,
                                  const Credentials* signer);

}  // namespace guidon::aws
