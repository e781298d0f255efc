// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/propagation_wait.hpp"

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "apps/guidon/document.hpp"
#include "apps/guidon/settings.hpp"

namespace guidon::cli {
namespace {

using model::Value;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kWaitMax{600'000};
constexpr milliseconds kSlice{5'000};          // of one request; less than any time limit of ours
constexpr milliseconds kSliceTerminal{250};    // so that progress moves
constexpr milliseconds kPauseAfterError{200};  // the server may be restarting
constexpr std::size_t kNamedMax = 10;          // in a failure's text; the command names all

std::optional<double> MillisecondsAt(const Value& document, std::string_view path) {
  const Value* value = At(document, path);
  if (value == nullptr) return std::nullopt;
  if (value->AsDouble() != nullptr) return *value->AsDouble();
  if (value->AsInteger() != nullptr) return static_cast<double>(*value->AsInteger());
  return std::nullopt;
}

std::string TimeText(const Value& document, std::string_view path) {
  const auto time = MillisecondsAt(document, path);
  if (!time) return "";
  constexpr double kShort = 10;
  return *time < kShort ? fmt::format("{:.1f} ms", *time) : fmt::format("{:.0f} ms", *time);
}

bool Serves(const Value& node) { return TextAt(node, "state") == "serving"; }

std::string StateText(const Value& node) {
  const std::string state = TextAt(node, "state");
  return state == "outOfTouch" ? "out of touch" : state;
}

// "2 of 3 clients at 10.1.2.3 (key k1, tenant acme)" or "client checkout-7 at 10.1.2.3".
std::string ClientsText(const Value& waiting) {
  std::string text;
  if (const std::string name = TextAt(waiting, "client"); !name.empty()) {
    text = "client " + name;
  } else {
    const std::int64_t connected = NumberAt(waiting, "connected");
    text = fmt::format("{} of {} {} client{}", NumberAt(waiting, "waiting"), connected, TextAt(waiting, "kind"),
                       connected == 1 ? "" : "s");
  }
  if (const std::string address = TextAt(waiting, "address"); !address.empty()) text += " at " + address;
  std::vector<std::string> facts;
  if (const std::string key = TextAt(waiting, "keyId"); !key.empty()) facts.push_back("key " + key);
  if (const std::string tenant = TextAt(waiting, "tenantId"); !tenant.empty()) facts.push_back("tenant " + tenant);
  if (!facts.empty()) text += fmt::format(" ({})", fmt::join(facts, ", "));
  return text;
}

// One line on a terminal that is written over and over, and gone at the end.
class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (written_) fmt::print(stderr, "\r\x1b[K");
  }
  void Show(const std::string& text) {
    if (!shown_) return;
    written_ = true;
    fmt::print(stderr, "\r\x1b[K{}", text);
    std::fflush(stderr);
  }

 private:
  const bool shown_;
  bool written_ = false;
};

}  // namespace

Outcome<milliseconds> ParseWait(const std::string& text) {
  constexpr SettingSpec kSpec{
      .key = "wait", .kind = SettingKind::kInterval, .group = {}, .help = {}, .local = {}, .dev = {}, .prod = {}};
  const auto number = ParseNumber(kSpec, text);
  if (!number || *number < 1 || *number > kWaitMax.count())
    return UsageError(fmt::format("--wait '{}' must be a time from 1ms to 600s", text), "give for example --wait 5s");
  return milliseconds(*number);
}

Outcome<Value> AwaitPropagation(Client& client, const PropagationQuery& query) {
  const auto started = Clock::now();
  const auto deadline = started + query.wait;
  const bool terminal = client.terminal().error && client.IsTable();
  ProgressLine line(terminal);
  std::optional<Value> last;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    const milliseconds slice = std::clamp(left, milliseconds(0), terminal ? kSliceTerminal : kSlice);
    std::string target = EnvironmentPath(query.environment, "propagation/" + query.sequence);
    if (slice.count() > 0) target += fmt::format("?wait={}ms", slice.count());
    auto answer = client.Send(
        {.target = std::move(target),
         .what = fmt::format("ask who has change {} in {}", query.sequence, query.environment),
         .hint = "the server may have been started after the change; its nodes: guidon propagation latest"});
    if (answer) last = answer->body;
    const bool over = Clock::now() >= deadline;
    if (last && (over || IsComplete(*last))) return *std::move(last);
    if (over) return Refuse(answer.error());
    if (!answer) std::this_thread::sleep_until(std::min(Clock::now() + kPauseAfterError, deadline));
    if (last)
      line.Show(fmt::format("{} after {:.1f} s", CountText(*last),
                            std::chrono::duration<double>(Clock::now() - started).count()));
  }
}

bool IsComplete(const Value& propagation) {
  const Value* complete = At(propagation, "complete");
  return complete != nullptr && complete->AsBool() != nullptr && *complete->AsBool();
}

std::string CountText(const Value& propagation) {
  const model::List& nodes = ListAt(propagation, "nodes");
  const auto serving = std::ranges::count_if(nodes, Serves);
  std::string text = fmt::format("{} of {} node{}", serving, nodes.size(), nodes.size() == 1 ? "" : "s");
  const std::int64_t connected = NumberAt(propagation, "clients.connected");
  if (connected == 0 && ListAt(propagation, "waiting").empty()) return text + ", no client is connected";
  return text + fmt::format(" and {} of {} client{} have it", NumberAt(propagation, "clients.converged"), connected,
                            connected == 1 ? "" : "s");
}

std::string CurveText(const Value& propagation) {
  const std::string last = TimeText(propagation, "clients.lastMs");
  if (last.empty()) return "";
  return fmt::format(" (p50 {}, p99 {}, last {})", TimeText(propagation, "clients.p50Ms"),
                     TimeText(propagation, "clients.p99Ms"), last);
}

std::string MissingText(const Value& propagation) {
  std::vector<std::string> missing;
  for (const Value& node : ListAt(propagation, "nodes")) {
    if (Serves(node)) continue;
    std::string text = fmt::format("node {} is {}", TextAt(node, "node"), StateText(node));
    if (const std::string at = TextAt(node, "reportedAt"); !at.empty()) text += ", last heard of at " + at;
    missing.push_back(std::move(text));
  }
  for (const Value& waiting : ListAt(propagation, "waiting"))
    missing.push_back(fmt::format("{} on node {}", ClientsText(waiting), TextAt(waiting, "node")));
  std::int64_t others = NumberAt(propagation, "waitingOthers");
  if (missing.size() > kNamedMax) {
    others += static_cast<std::int64_t>(missing.size() - kNamedMax);
    missing.resize(kNamedMax);
  }
  std::string text = fmt::format("{}", fmt::join(missing, "; "));
  if (others > 0) text += fmt::format("{}{} more", text.empty() ? "" : "; and ", others);
  return text;
}

std::string PropagationText(const Value& propagation, const Terminal& terminal) {
  const bool complete = IsComplete(propagation);
  std::string what =
      fmt::format("change {} in {}", TextAt(propagation, "sequence"), TextAt(propagation, "environment"));
  if (const std::string action = TextAt(propagation, "change.action"); !action.empty())
    what += fmt::format(" ({} {})", action, TextAt(propagation, "change.resource"));
  if (const std::string at = TextAt(propagation, "committedAt"); !at.empty()) what += " of " + at;
  std::string text = Styled(fmt::format("{} {}\n", complete ? "Everybody has" : "Not everybody has", Printable(what)),
                            complete ? Style::kGreen : Style::kYellow, terminal.colour);
  TextTable nodes({"NODE", "STATE", "SERVED AFTER", "CLIENTS", "P50", "P99", "LAST"});
  for (const Value& node : ListAt(propagation, "nodes")) {
    std::string clients;
    if (At(node, "clients") != nullptr)
      clients = fmt::format("{} of {}", NumberAt(node, "clients.converged"), NumberAt(node, "clients.connected"));
    nodes.Add({TextAt(node, "node"),
               {StateText(node), Serves(node) ? Style::kPlain : Style::kYellow},
               TimeText(node, "servedAfterMs"),
               clients,
               TimeText(node, "clients.p50Ms"),
               TimeText(node, "clients.p99Ms"),
               TimeText(node, "clients.lastMs")});
  }
  text += nodes.Render(terminal.colour, terminal.columns);
  TextTable waiting({"WAITING FOR", "NODE"});
  for (const Value& one : ListAt(propagation, "waiting"))
    waiting.Add({{ClientsText(one), Style::kYellow}, TextAt(one, "node")});
  if (const std::int64_t others = NumberAt(propagation, "waitingOthers"); others > 0)
    waiting.Add({fmt::format("{} more", others), ""});
  if (!waiting.empty()) text += "\n" + waiting.Render(terminal.colour, terminal.columns);
  return text;
}

}  // namespace guidon::cli
