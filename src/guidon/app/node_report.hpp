// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/propagation.hpp"
#include "guidon/base/result.hpp"

// What a node says of itself to the others that share its table, as JSON in one item.
namespace guidon::app {

// One publication on the node that says it.
struct ChangeReport {
  std::uint64_t first = 0;  // sequences that were published together
  std::uint64_t last = 0;
  std::chrono::microseconds served_after{0};
  std::uint64_t connected = 0;
  std::uint64_t converged = 0;
  LatencyCurve curve = {};
  std::vector<WaitingClients> waiting = {};
  std::uint64_t waiting_others = 0;
};
ChangeReport ReportOf(ChangeProgress progress);

struct EnvironmentReport {
  std::uint64_t sequence = 0;              // that it serves
  std::uint64_t behind = 0;                // clients that lack something
  std::vector<ChangeReport> changes = {};  // the latest, newest first

  // nullptr where it is not among them.
  const ChangeReport* Find(std::uint64_t sequence_of_change) const;
};

struct NodeReport {
  std::map<std::string, EnvironmentReport, std::less<>> environments;
};

std::string WriteNodeReport(const NodeReport& report);
// What it does not know it leaves out. Errors: kMalformed, kCorrupt where it is no report.
base::Result<NodeReport> ParseNodeReport(std::string_view text);

}  // namespace guidon::app
