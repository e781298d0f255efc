// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// The cryptographic functions that this module needs. Thread-safe. They end the program where the library cannot
// give them: nothing that needs them could go on safely.
namespace guidon::app {

inline constexpr std::size_t kSha256Bytes = 32;

// FIPS 180-4; 32 raw bytes.
std::string Sha256(std::string_view bytes);

// RFC 2104 with SHA-256; 32 raw bytes.
std::string HmacSha256(std::string_view key, std::string_view bytes);

// AES-256 in counter mode (NIST SP 800-38A); the same call encrypts and decrypts. `key`: 32 bytes, `iv`: 16, and no two
// texts under one key share it.
std::string Aes256Ctr(std::string_view key, std::string_view iv, std::string_view bytes);

// Whether two texts are equal, in a time that depends on their lengths only.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace guidon::app
