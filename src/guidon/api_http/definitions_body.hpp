// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"

namespace guidon::api_http {

// The beginning of an answer that many callers share, plain and compressed; to each of them another end. Compressed
// once, when somebody asks for it first. Thread-safe.
class DefinitionsBody {
 public:
  explicit DefinitionsBody(std::string beginning) : beginning_(std::move(beginning)) {}

  std::size_t size() const { return beginning_.size(); }
  std::string Plain(std::string_view end) const;
  // One gzip member (RFC 1952): the shared part ends at a byte boundary, and `end` follows as a stored block. Error:
  // kInternal where zlib refuses. Precondition: `end` has at most 65,535 bytes.
  base::Result<std::string> Gzip(std::string_view end) const;

 private:
  const std::string beginning_;
  mutable std::once_flag compressed_once_;
  mutable std::string compressed_;  // deflate blocks without a last one; empty: that did not work
  mutable std::uint32_t checksum_ = 0;
};

}  // namespace guidon::api_http
