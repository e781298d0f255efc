// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thread>

#include "guidon/app/application.hpp"

namespace guidon::cli {

// Tells the other nodes of the table what this one serves and which of its clients have it, when that changes and now
// and then (PropagationService::Report). One thread. `application` must outlive it; its end takes this node off the
// list, so that nobody waits for it.
class NodeReporter {
 public:
  explicit NodeReporter(app::Application& application);
  NodeReporter(const NodeReporter&) = delete;
  NodeReporter& operator=(const NodeReporter&) = delete;
  ~NodeReporter();

 private:
  void Run(const std::stop_token& stop);

  app::Application& application_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace guidon::cli
