// SPDX-License-Identifier: Apache-2.0
// What the client library costs. client_bench write FILE FLAGS: a snapshot file. start FILE FLAGS: milliseconds to
// answers from it. time|count MODE CASE TIMES: evaluations (MODE engine, client, or client without usage), as
// nanoseconds of one or for counting instructions.
#include "guidon/client/client.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

#include "guidon/client/disk_snapshot.hpp"
#include "guidon/client/texts.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/library/definitions_document.hpp"

namespace guidon::bench {
namespace {

using Clock = std::chrono::steady_clock;

// A typical mix: a third static, a third with a rollout, a third with a rule of two conditions.
std::string FlagText(int i) {
  std::string text = R"({"flagKey":"flag-)" + std::to_string(i) + R"(","owner":"team-)" + std::to_string(i % 20) +
                     R"(","defaultEnabled":true,"version":3)";
  if (i % 3 == 1) text += R"(,"rolloutPercentage":25)";
  if (i % 3 == 2)
    text += R"(,"targetingRules":[{"id":"pro","variation":"on","when":{"all":[)"
            R"({"attribute":"plan","operator":"in","values":["pro","enterprise"]},)"
            R"({"attribute":"country","operator":"in","values":["JP","DE"]}]}}])";
  return text + '}';
}

std::string Document(int flags) {
  std::string text = R"({"environment":"production","flags":[)";
  for (int i = 0; i < flags; ++i) text += (i == 0 ? "" : ",") + FlagText(i);
  return text + "]}";
}

model::Context Customer() {
  model::Context::Fields fields{.targeting_key = "user-1", .tenant_id = "acme"};
  fields.attributes.Set("plan", "pro");
  fields.attributes.Set("country", "JP");
  return *model::Context::Create(std::move(fields));
}

double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

int Write(const std::string& path, int flags) {
  client::Texts texts;
  texts.environment = "production";
  if (!client::ApplyAnswer(Document(flags), "\"tag\"", texts, nullptr)) return 1;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return client::WriteFileWhole(path, client::EncodeDiskSnapshot({.texts = texts, .confirmed_at = now})) ? 0 : 1;
}

// Until the last flag, and one of each kind before it, has answered; and until all are compiled.
int Start(const std::string& path, int flags) {
  const model::Context customer = Customer();
  client::Options options{.url = "", .environment = "production", .snapshot_path = path};
  std::atomic<double> compiled{0};
  const auto begin = Clock::now();
  options.on_change = [&](const client::Change&) { compiled = MillisecondsSince(begin); };
  auto client = *client::Client::Start(std::move(options));
  const double started = MillisecondsSince(begin);
  int served = 0;
  for (int i = flags - 3; i < flags; ++i) {
    const auto answer = client->BoolDetails("flag-" + std::to_string(i), false, customer);
    served += answer.error == model::EvaluationError::kNone ? 1 : 0;
  }
  const double answered = MillisecondsSince(begin);
  if (served != 3) return 1;
  while (compiled.load() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::cout << started << ' ' << answered << ' ' << compiled.load() << '\n' << std::flush;
  _exit(0);  // writing the file again at the end is not what is measured
}

// Calls evaluate(times) for the mode.
template <class Use>
int With(const std::string& mode, const std::string& flag, const Use& use) {
  const model::Context customer = Customer();
  const std::string text = Document(3);
  if (mode == "engine") {
    const auto snapshot = eval::Snapshot::Build(*library::ParseDefinitions(text));
    return use([&] {
      const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
      return eval::Evaluate(*snapshot, flag, customer, now).variation != nullptr;
    });
  }
  const std::string path = "/tmp/guidon-client-bench." + std::to_string(::getpid());
  std::ofstream(path) << text;
  client::Options options{.url = "", .environment = "production", .bootstrap_path = path};
  options.send_usage = mode != "client_without_usage";
  auto client = *client::Client::Start(std::move(options));
  ::unlink(path.c_str());
  return use([&] { return client->Bool(flag, false, customer) || true; });
}

}  // namespace
}  // namespace guidon::bench

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc == 4 && what == "write") return guidon::bench::Write(argv[2], std::atoi(argv[3]));
  if (argc == 4 && what == "start") return guidon::bench::Start(argv[2], std::atoi(argv[3]));
  if (argc != 5 || (what != "time" && what != "count")) return 2;
  const long times = std::atol(argv[4]);
  return guidon::bench::With(argv[2], argv[3], [&](const auto& evaluate) {
    const auto begin = guidon::bench::Clock::now();
    long served = 0;
    for (long i = 0; i < times; ++i) served += evaluate() ? 1 : 0;
    if (what == "time") std::cout << guidon::bench::MillisecondsSince(begin) * 1e6 / static_cast<double>(times) << '\n';
    return served == times ? 0 : 1;
  });
}
