// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "apps/guidon/terminal.hpp"

namespace guidon::cli {

// One line on the terminal that says how far long work on items has come; nothing in a pipe.
class ProgressLine {
 public:
  explicit ProgressLine(const Terminal& terminal) : shown_(terminal.error) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // To be called from one thread at a time.
  void Show(std::string_view phase, std::uint64_t items, std::uint64_t bytes);
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;
  const bool shown_;
  bool drawn_ = false;
  std::uint64_t items_ = 0;
  Clock::time_point began_ = Clock::now();
  Clock::time_point drawn_at_ = {};
};

}  // namespace guidon::cli
