// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/dynamo_metrics.hpp"

#include <string>
#include <utility>

namespace guidon::cli {
namespace {

using api_http::MetricGroup;

MetricGroup Counter(std::string name, std::string help, std::uint64_t value) {
  return {.name = std::move(name), .help = std::move(help), .samples = {{.value = static_cast<double>(value)}}};
}

}  // namespace

std::vector<MetricGroup> DynamoMetrics(const aws::ClientFigures& client, const store_dynamodb::DynamoFigures& table) {
  std::vector<MetricGroup> groups = {
      Counter("guidon_dynamodb_calls_total", "Calls of DynamoDB, each with all its retries.", client.calls),
      Counter("guidon_dynamodb_attempts_total", "Requests sent to DynamoDB.", client.attempts),
      Counter("guidon_dynamodb_retries_total", "Requests that were sent again.", client.retries),
      Counter("guidon_dynamodb_failures_total", "Calls that ended with an error other than a failed condition.",
              client.failures),
      Counter("guidon_dynamodb_lost_answers_total", "Requests that may have been carried out without an answer.",
              client.lost_answers),
      Counter("guidon_dynamodb_connect_failures_total", "Connections that could not be made.", client.connect_failures),
      Counter("guidon_dynamodb_checksum_errors_total", "Answers whose checksum was wrong.", client.checksum_errors),
      Counter("guidon_dynamodb_credential_refusals_total", "Requests refused for their credentials.",
              client.credential_refusals),
      Counter("guidon_dynamodb_clock_corrections_total", "Times that this machine's clock was found wrong.",
              client.clock_corrections),
      Counter("guidon_dynamodb_retry_budget_refusals_total", "Retries that were not made: too many had failed.",
              client.budget_refusals),
      Counter("guidon_dynamodb_outcomes_read_back_total", "Writes without an answer that were looked into.",
              table.outcomes_read_back),
      Counter("guidon_dynamodb_outcomes_unclear_total", "Writes of which nobody can tell whether they happened.",
              table.outcomes_unclear),
      Counter("guidon_dynamodb_transaction_conflicts_total", "Transactions cancelled since another was under way.",
              table.transaction_conflicts),
      Counter("guidon_dynamodb_unprocessed_total", "Keys and items of batches that were sent again.",
              table.unprocessed)};
  MetricGroup throttles{.name = "guidon_dynamodb_throttles_total", .help = "Throttled requests, by kind."};
  for (std::size_t i = 0; i < aws::kThrottleCount; ++i)
    throttles.samples.push_back({.labels = {{"kind", std::string(aws::NameOf(static_cast<aws::Throttle>(i)))}},
                                 .value = static_cast<double>(client.throttles[i])});
  groups.push_back(std::move(throttles));
  groups.push_back({.name = "guidon_dynamodb_clock_skew_seconds",
                    .help = "DynamoDB's clock less this machine's.",
                    .counter = false,
                    .samples = {{.value = static_cast<double>(client.clock_skew_ms) / 1000}}});
  groups.push_back({.name = "guidon_dynamodb_call_duration_seconds",
                    .help = "How long calls took, with their retries.",
                    .bounds = {aws::kCallLatencyBounds.begin(), aws::kCallLatencyBounds.end()},
                    .counts = {client.latency.begin(), client.latency.end()},
                    .sum = client.seconds});
  return groups;
}

}  // namespace guidon::cli
