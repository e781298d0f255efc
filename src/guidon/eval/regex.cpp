// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/regex.hpp"

#include <cstdint>
#include <utility>

#include <re2/re2.h>

namespace guidon::eval {
namespace {

// For the program and its cached states together. Ordinary patterns need a few kilobytes; this bounds what a flag with
// nested repetitions can cost every node.
constexpr std::int64_t kRegexBytesMax = 1024L * 1024;

RE2::Options Options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexBytesMax);
  options.set_never_capture(true);
  return options;
}

}  // namespace

struct Regex::Impl {
  explicit Impl(const std::string& pattern) : expression(pattern, Options()) {}
  RE2 expression;
};

Regex::Regex(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

base::Result<Regex> Regex::Compile(const std::string& pattern) {
  auto impl = std::make_unique<const Impl>(pattern);
  if (!impl->expression.ok())
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      "is not a regular expression that can be used (RE2 syntax): " + impl->expression.error());
  return Regex(std::move(impl));
}

bool Regex::Matches(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), impl_->expression);
}

}  // namespace guidon::eval
