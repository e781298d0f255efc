// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// What signing and checking of answers need. Thread-safe. They end the program where the library cannot give them:
// nothing that needs them could go on safely.
namespace guidon::aws {

std::string Sha256(std::string_view bytes);                              // 32 raw bytes
std::string HmacSha256(std::string_view key, std::string_view message);  // 32 raw bytes
std::uint32_t Crc32(std::string_view bytes);                             // the one of zlib and of `x-amz-crc32`

}  // namespace guidon::aws
