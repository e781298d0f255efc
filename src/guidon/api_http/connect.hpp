// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "guidon/api_http/exchange.hpp"

// flagd's evaluation service by the Connect protocol (docs/adr/0018, 0024): what @openfeature/flagd-web-provider
// speaks.
namespace guidon::api_http {

int ResolveFlagdV1(Exchange& exchange, std::string& out);     // POST /flagd.evaluation.v1.Service/{method}
int ResolveFlagdV2(Exchange& exchange, std::string& out);     // POST /flagd.evaluation.v2.Service/{method}
int StreamFlagdEvents(Exchange& exchange, std::string& out);  // POST /flagd.evaluation.v{1,2}.Service/EventStream

}  // namespace guidon::api_http
