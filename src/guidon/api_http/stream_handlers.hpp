// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "guidon/api_http/exchange.hpp"

// Event streams: what the routes do before StreamHub takes over. Nothing here blocks.
namespace guidon::api_http {

// Takes the connection for a stream: the answer's head, then what the hub sends; or a refusal where there are too many.
int BeginStream(Exchange& exchange, StreamRequest request, std::string_view content_type, std::string& out);

int StreamEvaluationChanges(Exchange& exchange, std::string& out);  // GET /ofrep/v1/events
int StreamChanges(Exchange& exchange, std::string& out);            // GET /api/v1/environments/{env}/events

}  // namespace guidon::api_http
