// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "apps/guidon/terminal.hpp"

namespace guidon::cli {

// What a server says when it is ready.
struct Greeting {
  std::string program;  // as it was called, so that what is shown can be pasted
  std::string profile;
  std::string store;  // folder, or "memory"
  std::string node;
  std::string address;
  std::uint16_t port = 0;
  std::size_t environments = 0;
  std::size_t flags = 0;
  std::size_t demo_flags = 0;  // written just now
};

// "http://127.0.0.1:3001"; an address that means all interfaces becomes the loopback one.
std::string UrlOf(const Greeting& greeting);

// A few aligned lines: what runs, where, and what to do next. In Japanese where the terminal's language is.
std::string GreetingText(const Greeting& greeting, const Terminal& terminal);

}  // namespace guidon::cli
