// SPDX-License-Identifier: Apache-2.0
#include "guidon/base/random.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <sys/random.h>

namespace guidon::base {

std::string RandomBytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::getrandom(bytes.data() + filled, size - filled, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();
    }
    filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::string RandomId() {
  constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuv";
  constexpr std::size_t kBytes = 10;
  const std::string bytes = RandomBytes(kBytes);
  std::string id;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    count += 8;
    while (count >= 5) {
      count -= 5;
      id += kAlphabet[(bits >> count) & 0x1FU];
    }
  }
  return id;
}

}  // namespace guidon::base
