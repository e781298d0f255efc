// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "guidon/api_http/static_site.hpp"

namespace guidon::ui {

// The built admin UI; empty where the program was built without it.
std::span<const api_http::StaticFile> Files();

}  // namespace guidon::ui
