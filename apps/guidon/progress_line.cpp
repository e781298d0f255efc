// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/progress_line.hpp"

#include <cstdio>

#include <fmt/format.h>

namespace guidon::cli {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr double kMegabyte = 1e6;

}  // namespace

void ProgressLine::Show(std::string_view phase, std::uint64_t items, std::uint64_t bytes) {
  if (!shown_) return;
  const auto now = Clock::now();
  if (items < items_ || items == 0) began_ = now;  // a new phase
  items_ = items;
  if (now - drawn_at_ < kRedraw) return;
  drawn_at_ = now;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  fmt::print(stderr, "\r\x1b[K{}: {} items, {:.1f} MB, {:.0f} items/s", phase, items,
             static_cast<double>(bytes) / kMegabyte, seconds > 0 ? static_cast<double>(items) / seconds : 0.0);
  std::fflush(stderr);
}

void ProgressLine::Clear() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace guidon::cli
