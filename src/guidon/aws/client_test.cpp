// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/client.hpp"

#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/aws/digest.hpp"
#include "guidon/aws/testing/fakes.hpp"

namespace guidon::aws {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const base::Timestamp kNow = *base::ParseTimestamp("2026-11-22T04:23:00Z");

HttpResponse Good(const std::string& body = "{}") {
  return {.status = 200,
          .headers = {{"x-amz-crc32", std::to_string(Crc32(body))}, {"x-amzn-requestid", "R1"}},
          .body = body};
}

HttpResponse Refusal(int status, const std::string& type, const std::string& more = "") {
  return {.status = status,
          .headers = {{"x-amzn-requestid", "R2"}},
          .body = R"({"__type":"com.amazonaws.dynamodb.v20120810#)" + type + R"(","message":"no")" + more + "}"};
}

std::unexpected<TransportError> Broken(TransportError::Kind kind, bool maybe_received) {
  return std::unexpected(TransportError{.kind = kind, .maybe_received = maybe_received, .message = "broken"});
}

class ClientTest : public testing::Test {
 protected:
  // The answers in their order; the last one again and again.
  void Script(std::deque<FakeTransport::Answer> answers) {
    answers_ = std::move(answers);
    transport_.answer = [this](const HttpRequest&) {
      FakeTransport::Answer answer = answers_.front();
      if (answers_.size() > 1) answers_.pop_front();
      return answer;
    };
  }
  std::expected<ServiceAnswer, ServiceError> Call(Repeat repeat = Repeat::kSafe) {
    return client_.Call("GetItem", R"({"a":1})", {.repeat = repeat});
  }
  std::size_t sent() const { return transport_.requests.size(); }

  std::deque<FakeTransport::Answer> answers_;
  base::ManualClock clock_{kNow};
  FakeWaitClock wait_clock_;
  FakeSource source_;
  CredentialCache cache_{source_, clock_, wait_clock_};
  FakeTransport transport_;
  Client client_{{.region = "eu-west-1", .endpoint = "http://127.0.0.1:8000"},
                 {transport_, cache_, clock_, wait_clock_, [] { return 0.5; }}};
};

TEST_F(ClientTest, SendsASignedRequest) {
  Script({Good(R"({"Item":{}})")});
  const auto answer = Call();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->body, R"({"Item":{}})");
  EXPECT_EQ(answer->request_id, "R1");
  ASSERT_EQ(sent(), 1U);
  const HttpRequest& request = transport_.requests[0];
  EXPECT_EQ(request.url, "http://127.0.0.1:8000/");
  EXPECT_EQ(request.body, R"({"a":1})");
  EXPECT_TRUE(request.direct);
  EXPECT_EQ(HeaderOf(request, "x-amz-target"), "DynamoDB_20120810.GetItem");
  EXPECT_EQ(HeaderOf(request, "content-type"), "application/x-amz-json-1.0");
  EXPECT_EQ(HeaderOf(request, "accept-encoding"), "identity");
  EXPECT_THAT(HeaderOf(request, "authorization"), HasSubstr("AKID/20261122/eu-west-1/dynamodb/aws4_request"));
  const ClientFigures figures = client_.figures();
  EXPECT_EQ(figures.calls, 1U);
  EXPECT_EQ(figures.attempts, 1U);
  EXPECT_EQ(figures.failures, 0U);
}

TEST_F(ClientTest, ThrottlesAreRetriedSlowlyAndToldApart) {
  Script({Refusal(400, "ProvisionedThroughputExceededException",
                  R"(,"ThrottlingReasons":[{"reason":"TableWriteKeyRangeThroughputExceeded","resource":"arn:t"}])"),
          Refusal(400, "ThrottlingException",
                  R"(,"ThrottlingReasons":[{"reason":"IndexReadProvisionedThroughputExceeded","resource":"arn:i"}])"),
          Refusal(400, "RequestLimitExceeded"), Good()});
  EXPECT_TRUE(Call(Repeat::kNever).has_value());
  EXPECT_THAT(wait_clock_.pauses, ElementsAre(milliseconds{500}, milliseconds{1000}, milliseconds{2000}));
  const auto throttles = client_.figures().throttles;
  EXPECT_EQ(throttles[static_cast<std::size_t>(Throttle::kHotKey)], 1U);
  EXPECT_EQ(throttles[static_cast<std::size_t>(Throttle::kProvisioned)], 1U);
  EXPECT_EQ(throttles[static_cast<std::size_t>(Throttle::kAccount)], 1U);
}

TEST_F(ClientTest, AThrottleThatLastsSaysWhichKind) {
  Script({Refusal(400, "ThrottlingException",
                  R"(,"ThrottlingReasons":[{"reason":"TableReadKeyRangeThroughputExceeded","resource":"arn:t"}])")});
  const auto answer = Call();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(answer.error().outcome_unknown);
  EXPECT_THAT(answer.error().message, HasSubstr("one key gets more requests"));
  EXPECT_THAT(answer.error().message, HasSubstr("TableReadKeyRangeThroughputExceeded arn:t"));
  EXPECT_THAT(answer.error().message, HasSubstr("request id R2"));
  EXPECT_EQ(sent(), 4U);
}

TEST_F(ClientTest, LostAnswersAreRepeatedOnlyWhereThatIsSafe) {
  for (const auto& lost : {FakeTransport::Answer(Refusal(500, "InternalServerError")),
                           FakeTransport::Answer(Broken(TransportError::Kind::kTimeout, true)),
                           FakeTransport::Answer(Broken(TransportError::Kind::kBroken, true))}) {
    Script({lost, Good()});
    const auto safe = Call(Repeat::kSafe);
    ASSERT_TRUE(safe.has_value());
    EXPECT_EQ(safe->lost_answers, 1);
    Script({lost, Good()});
    const std::size_t before = sent();
    const auto never = Call(Repeat::kNever);
    ASSERT_FALSE(never.has_value());
    EXPECT_TRUE(never.error().outcome_unknown);
    EXPECT_EQ(never.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(sent(), before + 1);
  }
  EXPECT_EQ(client_.figures().lost_answers, 6U);
}

TEST_F(ClientTest, WhatWasNeverSentIsAlwaysRepeated) {
  Script({Broken(TransportError::Kind::kNotConnected, false), Good()});
  const auto answer = Call(Repeat::kNever);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->lost_answers, 0);
  EXPECT_EQ(client_.figures().connect_failures, 1U);
}

TEST_F(ClientTest, AWrongChecksumIsALostAnswer) {
  HttpResponse damaged = Good(R"({"Item":{"a":{"S":"right"}}})");
  damaged.body.replace(damaged.body.find("right"), 5, "wrong");
  Script({damaged, Good()});
  EXPECT_EQ(Call()->body, "{}");
  EXPECT_EQ(client_.figures().checksum_errors, 1U);
  Script({damaged});
  const auto answer = Call(Repeat::kNever);
  ASSERT_FALSE(answer.has_value());
  EXPECT_TRUE(answer.error().outcome_unknown);
  EXPECT_THAT(answer.error().message, HasSubstr("checksum"));
}

TEST_F(ClientTest, OtherRefusalsAreFinal) {
  Script({Refusal(400, "ConditionalCheckFailedException", R"(,"Item":{"PK":{"S":"p"}})")});
  const auto failed = Call();
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().type, "ConditionalCheckFailedException");
  EXPECT_THAT(failed.error().body, HasSubstr("\"Item\""));
  EXPECT_EQ(sent(), 1U);
  EXPECT_EQ(client_.figures().failures, 0U);  // an answer, not a failure
  Script({Refusal(400, "ResourceNotFoundException")});
  EXPECT_EQ(Call().error().code, ErrorCode::kNotFound);
  Script({Refusal(400, "AccessDeniedException")});
  EXPECT_EQ(Call().error().code, ErrorCode::kPermissionDenied);
  Script({HttpResponse{.status = 404, .body = "<html>not DynamoDB</html>"}});
  EXPECT_THAT(Call().error().message, HasSubstr("not DynamoDB"));
}

TEST_F(ClientTest, BothSpellingsOfMessageAreRead) {
  Script({HttpResponse{.status = 400, .body = R"({"__type":"x#AccessDeniedException","Message":"big M"})"}});
  EXPECT_THAT(Call().error().message, HasSubstr("big M"));
}

TEST_F(ClientTest, ExpiredCredentialsAreFetchedAgainOnce) {
  int count = 0;
  source_.fetch = [&count] {
    return std::optional(Credentials{.access_key_id = "AK" + std::to_string(++count), .secret_access_key = "s"});
  };
  Script({Refusal(400, "ExpiredTokenException"), Good()});
  EXPECT_TRUE(Call(Repeat::kNever).has_value());
  EXPECT_THAT(HeaderOf(transport_.requests[0], "authorization"), HasSubstr("AK1/"));
  EXPECT_THAT(HeaderOf(transport_.requests[1], "authorization"), HasSubstr("AK2/"));
  EXPECT_THAT(wait_clock_.pauses, IsEmpty());
  Script({Refusal(400, "UnrecognizedClientException")});
  const std::size_t before = sent();
  EXPECT_EQ(Call().error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(sent(), before + 2);
}

TEST_F(ClientTest, AClockThatIsOffIsCorrectedByTheServices) {
  HttpResponse refused = Refusal(400, "InvalidSignatureException");
  refused.headers["date"] = "Sun, 22 Nov 2026 05:23:00 GMT";
  Script({refused, Good()});
  EXPECT_TRUE(Call().has_value());
  EXPECT_EQ(HeaderOf(transport_.requests[0], "x-amz-date"), "20261122T042300Z");
  EXPECT_EQ(HeaderOf(transport_.requests[1], "x-amz-date"), "20261122T052300Z");
  EXPECT_EQ(client_.figures().clock_skew_ms, 3'600'000);
  // From then on at the first attempt.
  EXPECT_TRUE(Call().has_value());
  EXPECT_EQ(HeaderOf(transport_.requests[2], "x-amz-date"), "20261122T052300Z");
  // A wrong secret stays one: the clocks agree already.
  Script({refused});
  const std::size_t before = sent();
  EXPECT_EQ(Call().error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(sent(), before + 1);
}

TEST_F(ClientTest, TheWholeCallHasADeadline) {
  transport_.answer = [this](const HttpRequest& request) -> FakeTransport::Answer {
    wait_clock_.Advance(request.timeout);
    return Broken(TransportError::Kind::kTimeout, true);
  };
  const auto begin = wait_clock_.Now();
  EXPECT_FALSE(Call().has_value());
  EXPECT_LE(wait_clock_.Now() - begin, std::chrono::seconds{15});
  EXPECT_EQ(sent(), 3U);
  EXPECT_LT(transport_.requests[2].timeout, milliseconds{5000});
}

TEST_F(ClientTest, TheBudgetEndsRetriesWhenEverythingFails) {
  Script({Refusal(500, "InternalServerError")});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Call().has_value());
  EXPECT_EQ(sent(), 100U + 100U);  // 500 tokens at 5 a retry
  EXPECT_GT(client_.figures().budget_refusals, 0U);
  // Successes fill it again.
  Script({Good()});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Call().has_value());
  Script({Refusal(500, "InternalServerError"), Good()});
  EXPECT_TRUE(Call().has_value());
}

TEST_F(ClientTest, TransactionsInProgressAreAwaited) {
  Script({Refusal(400, "TransactionInProgressException"), Refusal(400, "TransactionConflictException"), Good()});
  EXPECT_TRUE(Call(Repeat::kNever).has_value());
  EXPECT_EQ(sent(), 3U);
}

TEST_F(ClientTest, NoCredentialsIsAnErrorThatSaysSo) {
  source_.fetch = [] { return std::optional<Credentials>{}; };
  const auto answer = Call();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(sent(), 0U);
}

TEST(RetryDelay, IsFullJitterUnderACap) {
  const RetryOptions options;
  EXPECT_EQ(RetryDelay(options, 1, false, 0.999), milliseconds{24});
  EXPECT_EQ(RetryDelay(options, 3, false, 0.5), milliseconds{50});
  EXPECT_EQ(RetryDelay(options, 3, false, 0), milliseconds{0});
  EXPECT_EQ(RetryDelay(options, 2, true, 0.5), milliseconds{1000});
  EXPECT_EQ(RetryDelay(options, 60, true, 0.5), milliseconds{10'000});
}

}  // namespace
}  // namespace guidon::aws
