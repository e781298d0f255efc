// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/entity_commands.hpp"
#include "apps/guidon/event_stream.hpp"
#include "guidon/json/json.hpp"

namespace guidon::cli {
namespace {

using model::Object;
using model::Value;
using std::chrono::milliseconds;

constexpr milliseconds kPauseMin{500};       // where the server said nothing
constexpr milliseconds kPauseMax{30'000};    // between two attempts while it is away
constexpr milliseconds kPauseAsked{60'000};  // no server of ours asks for more

struct WatchOptions : ClientOptions {
  std::string environment = {};
  std::uint64_t count = 0;  // 0 = until interrupted
};

Style StyleOf(std::string_view event, std::string_view action) {
  if (event == "resync") return Style::kYellow;
  if (event == "node" || event == "propagation") return Style::kDim;
  if (action == "kill.engage") return Style::kRed;
  return action == "kill.release" ? Style::kGreen : Style::kPlain;
}

std::string TenantsText(const Value& data) {
  std::string text;
  for (const Value& tenant : ListAt(data, "tenants"))
    text += (text.empty() ? " for " : ", ") + (tenant.AsString() == nullptr ? std::string() : *tenant.AsString());
  return text;
}

// "served by node-1, 2 of 3 clients have it".
std::string ProgressText(const Value& data) {
  const std::string served = "served by " + TextAt(data, "node");
  const std::int64_t connected = NumberAt(data, "clients.connected");
  if (connected == 0) return served + ", no clients";
  return fmt::format("{}, {} of {} client{} {} it", served, NumberAt(data, "clients.converged"), connected,
                     connected == 1 ? "" : "s", connected == 1 ? "has" : "have");
}

// Fixed columns, since lines come one by one: time, sequence, what, of what.
std::string LineOf(std::string_view event, const Value& data, bool colour) {
  const std::string action = event == "change" ? TextAt(data, "action") : std::string(event);
  std::string what = TextAt(data, "resource") + TenantsText(data);
  if (const std::string version = TextAt(data, "version"); !version.empty()) what += " (version " + version + ")";
  if (event == "node") what = TextAt(data, "node") + " is " + TextAt(data, "state");
  if (event == "propagation") what = ProgressText(data);
  if (event == "resync") what = "anything may have changed: what came between is not known any more";
  const std::string sequence = TextAt(data, "sequence");
  return fmt::format("{:<24}  {:>8}  {}  {}\n", TextAt(data, "at"), sequence.empty() ? "" : "#" + sequence,
                     Styled(fmt::format("{:<16}", action), StyleOf(event, action), colour), Printable(what));
}

std::string JsonLineOf(std::string_view event, const Value& data) {
  Object line;
  line.Set("event", std::string(event));
  if (const Object* members = data.AsObject()) {
    for (const auto& [name, value] : *members) line.Set(name, value);
  }
  return json::Write(line) + "\n";
}

class Watch {
 public:
  Watch(Client client, const WatchOptions& options)
      : client_(std::move(client)), options_(options), parser_([this](const StreamEvent& e) { return Show(e); }) {}

  // Until enough has come. Errors: a refusal; kUnavailable where the first connection fails.
  Outcome<void> Run() {
    for (milliseconds pause{0};; std::this_thread::sleep_for(pause)) {
      const std::uint64_t before = events_;
      const auto answer = Connect();
      if (done_ || broken_output_) return FlushOutput();
      if (answer && answer->status != 200 && answer->status != 503) return Refuse(Refusal(CallOf(), *answer));
      if (!answer && !connected_) return Refuse(answer.error());
      if (events_ != before) failures_ = 0;
      pause = NextPause();
      if (client_.terminal().error)
        fmt::print(stderr, "The stream has ended; coming back in {:.1f} s\n",
                   std::chrono::duration<double>(pause).count());
    }
  }

 private:
  Call CallOf() const {
    Call call{.target = EnvironmentPath(options_.environment, "events"), .what = "watch " + options_.environment};
    if (!parser_.last_event_id().empty()) call.headers.push_back("Last-Event-ID: " + parser_.last_event_id());
    call.endless = true;
    return call;
  }

  Outcome<HttpAnswer> Connect() {
    parser_.Restart();
    return client_.SendRaw(CallOf(), [this](std::string_view bytes) {
      connected_ = true;
      return parser_.Feed(bytes);
    });
  }

  bool Show(const StreamEvent& event) {
    ++events_;
    const auto data = json::Parse(event.data);
    if (!data) return true;
    Print(client_.IsTable() ? LineOf(event.type, *data, client_.terminal().colour) : JsonLineOf(event.type, *data));
    // Whoever reads at the other end of a pipe wants each line at once.
    broken_output_ = !FlushOutput();
    if (event.type == "change" && ++changes_ == options_.count) done_ = true;
    return !done_ && !broken_output_;
  }

  // What the server asked for, else longer and longer; never all watchers at once.
  milliseconds NextPause() {
    const int doublings = std::min(failures_++, 6);
    const milliseconds longest = std::min(kPauseMax, kPauseMin * (1 << doublings));
    std::uniform_int_distribution<std::int64_t> spread(kPauseMin.count() / 2, longest.count());
    const milliseconds own{spread(random_)};
    return doublings == 0 && parser_.retry() ? std::min(*parser_.retry(), kPauseAsked) : own;
  }

  Client client_;
  const WatchOptions& options_;
  EventStreamParser parser_;
  std::uint64_t events_ = 0;
  std::uint64_t changes_ = 0;
  int failures_ = 0;
  bool connected_ = false;
  bool done_ = false;
  bool broken_output_ = false;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace

void AddWatchCommand(CommandTree& tree) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App& command = tree.Command(
      tree.root(), "watch", "Show every change of an environment as it happens",
      {"guidon watch --environment production", "guidon watch --environment production --output json | jq -r .action",
       "guidon watch --environment staging --count 1 && echo something changed"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        return Watch(std::move(client), *options).Run();
      });
  tree.Describe(command,
                "Follows the server's event stream until interrupted, one line an event (with --output json one JSON "
                "object a line). Comes back by itself when the connection or the server ends, and goes on where it "
                "was.");
  AddEnvironmentOption(command, options->environment);
  command.add_option("--count", options->count, "End after so many changes")->type_name("N");
  AddClientOptions(tree, command, *options);
}

}  // namespace guidon::cli
