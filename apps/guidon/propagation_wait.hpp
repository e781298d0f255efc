// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "apps/guidon/client.hpp"
#include "guidon/model/value.hpp"

// Who has a change and who has not, as commands ask and show it.
namespace guidon::cli {

// "5s", "500ms", "1m". Errors: kUsage.
Outcome<std::chrono::milliseconds> ParseWait(const std::string& text);

struct PropagationQuery {
  std::string environment;
  std::string sequence;               // a number or "latest"
  std::chrono::milliseconds wait{0};  // how long it may take until everybody has it
};
// The server's last answer, complete or not, with a line of progress on a terminal meanwhile. Errors: those of the
// first request without `wait`; with it, of the last one when the time is over.
Outcome<model::Value> AwaitPropagation(Client& client, const PropagationQuery& query);

bool IsComplete(const model::Value& propagation);
// "3 of 3 nodes and 998 of 1,000 clients have it".
std::string CountText(const model::Value& propagation);
// " (p50 22 ms, p99 61 ms, last 74 ms)"; "" where no client has been timed.
std::string CurveText(const model::Value& propagation);
// Nodes and clients that have it not, named, for a failure's text.
std::string MissingText(const model::Value& propagation);
// A table of the nodes, and one of who is waited for.
std::string PropagationText(const model::Value& propagation, const Terminal& terminal);

}  // namespace guidon::cli
