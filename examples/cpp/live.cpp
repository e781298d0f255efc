// SPDX-License-Identifier: Apache-2.0
// live ENVIRONMENT [DEFINITIONS]: the new checkout for a large customer, with flags of the server in GUIDON_URL (key in
// GUIDON_API_KEY), or of a file where there is no server.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include <guidon/client/client.hpp>

namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  guidon::client::Options options{.url = Variable("GUIDON_URL"), .environment = argv[1]};
  options.api_key = Variable("GUIDON_API_KEY");
  options.snapshot_path = Variable("GUIDON_SNAPSHOT");
  if (argc > 2) options.bootstrap_path = argv[2];
  options.on_change = [](const guidon::client::Change& change) {
    for (const std::string& flag : change.flags) std::cerr << "changed: " << flag << '\n';
  };

  auto started = guidon::client::Client::Start(std::move(options));
  if (!started) {
    std::cerr << started.error().field << ' ' << started.error().message << '\n';
    return 1;
  }
  const auto flags = *std::move(started);
  if (!flags->WaitUntilReady(std::chrono::seconds(5))) std::cerr << flags->status().detail << '\n';

  guidon::model::Context::Fields customer{.targeting_key = "u2", .tenant_id = "globex"};
  customer.attributes.Set("plan", "enterprise");
  customer.attributes.Set("seats", 80);
  const auto context = guidon::model::Context::Create(std::move(customer)).value();

  const auto answer = flags->BoolDetails("new-checkout", false, context);
  std::cout << (answer.value ? "new" : "old") << ' ' << answer.variant << ' ' << NameOf(answer.reason) << '\n';
}
