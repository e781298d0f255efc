// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace guidon::api_http {

// api/openapi.yaml as JSON, put into the program when it is built.
std::string_view OpenApiDocument();

}  // namespace guidon::api_http
