// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "guidon/api_http/http.hpp"

namespace guidon::api_http {

// One file of the admin UI, in memory for as long as the program runs.
struct StaticFile {
  std::string_view path;  // "/index.html", "/assets/index-1a2b3c4d.js"
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzip = {};  // the same bytes compressed; empty where that saves nothing
};

// In the page, stands for the answer's style nonce.
inline constexpr std::string_view kNoncePlaceholder = "__GUIDON_NONCE__";

// The admin UI as files: no data, so no key is asked for; what it shows comes over the API with its rules. Paths below
// /assets/ carry a hash of their content and may be kept for ever; the page names them and is never kept. Immutable
// after construction.
class StaticSite {
 public:
  // The files outlive it. Without "/index.html" there is no UI: a small page says so, and no other path has an answer.
  explicit StaticSite(std::span<const StaticFile> files);

  // What "/" shows. It may load scripts and styles of this server only, and speak to nobody else.
  Response Page() const;
  // The answer to a path that no route has: a file, or the page where a browser navigates to one of its views
  // (it asks for text/html). Nothing for everything else, and for everything below /api/ and /ofrep/.
  std::optional<Response> Find(const RequestHead& head, std::string_view path) const;

 private:
  std::span<const StaticFile> files_;
  const StaticFile* page_ = nullptr;
};

}  // namespace guidon::api_http
