// SPDX-License-Identifier: Apache-2.0
#include "guidon/base/result.hpp"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "guidon/base/clock.hpp"
#include "guidon/base/log.hpp"

namespace guidon::base {
namespace {

Result<std::unique_ptr<int>> Half(int number) {
  if (number % 2 != 0) return Fail(ErrorCode::kInvalidArgument, "odd", "number");
  return std::make_unique<int>(number / 2);
}

Result<int> Quarter(int number) {
  GUIDON_ASSIGN(const auto half, Half(number));
  GUIDON_ASSIGN(const auto quarter, Half(*half));
  return *quarter;
}

Status CheckQuarter(int number) {
  GUIDON_TRY(Quarter(number));
  return {};
}

TEST(Result, CarriesValuesAndErrorsThroughCallers) {
  EXPECT_EQ(Quarter(8), 2);
  ASSERT_FALSE(Quarter(6));
  EXPECT_EQ(Quarter(6).error(), (Error{.code = ErrorCode::kInvalidArgument, .message = "odd", .field = "number"}));
  EXPECT_TRUE(CheckQuarter(4));
  EXPECT_EQ(CheckQuarter(3).error().field, "number");
}

TEST(Result, EveryCodeHasItsOwnName) {
  EXPECT_EQ(Name(ErrorCode::kInvalidArgument), "INVALID_ARGUMENT");
  EXPECT_EQ(Name(ErrorCode::kConflict), "CONFLICT");
}

TEST(Clock, ManualClockMovesWhenTold) {
  ManualClock clock(*ParseTimestamp("2026-01-01T00:00:00Z"));
  clock.Advance(std::chrono::hours{1});
  EXPECT_EQ(FormatTimestamp(clock.Now()), "2026-01-01T01:00:00.000Z");
}

class Recorder final : public LogSink {
 public:
  void Write(LogLevel, std::string_view message, std::span<const LogField> fields) override {
    text = std::string(message) + ":" + std::string(fields.front().key);
  }
  std::string text;
};

TEST(Log, GoesToTheInstalledSink) {
  Recorder recorder;
  SetLogSink(&recorder);
  Log(LogLevel::kInfo, "started", {{"port", std::int64_t{3001}}});
  EXPECT_EQ(SetLogSink(nullptr), &recorder);
  EXPECT_EQ(recorder.text, "started:port");
}

}  // namespace
}  // namespace guidon::base
