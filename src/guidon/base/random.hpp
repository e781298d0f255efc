// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace guidon::base {

// `size` bytes from the operating system's secure generator. Ends the program if the system has none: nothing that
// needs them could go on safely.
std::string RandomBytes(std::size_t size);

// 80 random bits as 16 characters of [0-9a-v]: short enough to read aloud, unique enough for request and key ids.
std::string RandomId();

}  // namespace guidon::base
