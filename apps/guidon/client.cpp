// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "apps/guidon/document.hpp"
#include "apps/guidon/settings.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/json/json.hpp"

namespace guidon::cli {
namespace {

using model::Object;
using model::Value;

constexpr std::size_t kPageLimit = 1000;                    // the server's largest page
constexpr std::size_t kInputBytesMax = 64UL * 1024 * 1024;  // bulk files; more is a wrong file
constexpr std::size_t kKeyFileBytesMax = 4096;              // a key has about 70 characters
constexpr std::size_t kAnswerDepthMax = 96;                 // deeper than anything that the server writes
constexpr std::string_view kConnection = "Connection and output";

std::optional<std::uint64_t> ParseUnsigned(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string Header(const HttpAnswer& answer, const std::string& name) {
  const auto found = answer.headers.find(name);
  return found == answer.headers.end() ? "" : found->second;
}

Outcome<std::string> ReadApiKey(const std::string& file) {
  if (file.empty()) {
    const char* key = std::getenv("GUIDON_API_KEY");
    return std::string(key == nullptr ? "" : key);
  }
  std::ifstream in(file, std::ios::binary);
  std::string key(kKeyFileBytesMax, '\0');
  in.read(key.data(), static_cast<std::streamsize>(key.size()));
  if (in.bad() || !in.is_open()) return UsageError(fmt::format("The key file {} cannot be read", file));
  key.resize(static_cast<std::size_t>(in.gcount()));
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' ')) key.pop_back();
  if (key.empty() || std::ranges::any_of(key, [](char c) { return c <= ' ' || c == 0x7f; }))
    return UsageError(fmt::format("The key file {} does not hold one API key", file));
  return key;
}

// What to do about a refusal, where the caller has no better idea.
std::string AdviceFor(int status, const Call& call) {
  switch (status) {
    case 401: return "set GUIDON_API_KEY, or --api-key-file, to a key of this server that is not expired or revoked";
    case 403: return "use a key whose kind, environment and tenant allow this (guidon key list shows them)";
    case 404: return call.hint;
    case 409:
    case 412: return "look at what is there now, then repeat the command";
    case 413: return "send less at a time";
    case 429:
    case 503: return "try again in a moment";
    case 500: return "look for the request id in the server's log";
    default: return "";
  }
}

std::string ReasonPhrase(int status) {
  switch (status) {
    case 502: return "the gateway before the server reports that it does not answer";
    case 504: return "the gateway before the server reports that it answers too late";
    default: return fmt::format("the server answered {} without saying why", status);
  }
}

}  // namespace

void AddClientOptions(CommandTree& tree, CLI::App& command, ClientOptions& options) {
  const std::string group(kConnection);
  tree.Restrict(
      command.add_option("-o,--output", options.output, "Form of the output")->envname("GUIDON_OUTPUT")->group(group),
      {"table", "json", "yaml"});
  command.add_option("--url", options.url, "Server (default http://127.0.0.1:3001)")
      ->envname("GUIDON_URL")
      ->type_name("URL")
      ->group(group);
  command
      .add_option("--api-key-file", options.api_key_file,
                  "File that holds the API key; without it the variable GUIDON_API_KEY is read")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--timeout", options.timeout, "Longest wait for an answer (default 20s)")
      ->envname("GUIDON_TIMEOUT")
      ->type_name("TIME")
      ->group(group);
  command.add_flag("--no-color", options.no_color, "No colours, even on a terminal (also NO_COLOR=1)")->group(group);
}

void AddChangeOptions(CommandTree& tree, CLI::App& command, ChangeOptions& options) {
  command
      .add_option("--idempotency-key", options.idempotency_key,
                  "Name of this change: sending it again within a day does not repeat it")
      ->type_name("TEXT");
  AddClientOptions(tree, command, options);
}

void AddEnvironmentOption(CLI::App& command, std::string& environment) {
  environment = "development";
  command.add_option("-e,--environment", environment, "Flag environment (default development)")
      ->envname("GUIDON_ENVIRONMENT")
      ->type_name("NAME");
}

void AddYesOption(CLI::App& command, bool& yes) {
  command.add_flag("-y,--yes", yes, "Do not ask; needed where no terminal is there to answer");
}

void AddListOptions(CommandTree& tree, CLI::App& command, ListOptions& options) {
  command.add_option("--limit", options.limit, "At most so many (default 100)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}).description(""));
  command.add_flag("--all", options.all, "All there are, however many");
  command.add_option("--cursor", options.cursor, "Go on where an earlier list ended")->type_name("TEXT");
  AddClientOptions(tree, command, options);
}

std::string QueryText(const Query& query) {
  std::string out;
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    out += out.empty() ? '?' : '&';
    out += fmt::format("{}={}", name, PercentEncode(value));
  }
  return out;
}

Value ListAnswer::ToValue() const {
  Object object;
  object.Set("items", items);
  if (!next_cursor.empty()) object.Set("nextCursor", next_cursor);
  return object;
}

Outcome<Client> Client::Open(const ClientOptions& options) {
  const auto seconds = ParseSeconds(options.timeout);
  constexpr std::int64_t kTimeoutSecondsMax = 3600;
  if (!seconds || *seconds < 1 || *seconds > kTimeoutSecondsMax)
    return UsageError(fmt::format("--timeout '{}' must be a duration from 1s to 1h", options.timeout));
  GUIDON_ASSIGN(std::string api_key, ReadApiKey(options.api_key_file));
  Client client;
  GUIDON_ASSIGN(client.http_,
                HttpClient::Create(
                    {.url = options.url, .api_key = std::move(api_key), .timeout = std::chrono::seconds(*seconds)}));
  client.terminal_ = Terminal::Detect();
  if (options.no_color) client.terminal_.colour = client.terminal_.colour_error = false;
  client.output_ = options.output;
  return client;
}

Outcome<HttpAnswer> Client::SendRaw(const Call& call, const std::function<bool(std::string_view)>& body_sink) {
  HttpRequest request{.method = call.method, .target = call.target, .body = {}, .headers = call.headers};
  if (call.body) {
    request.body = json::Write(*call.body);
    request.headers.emplace_back("Content-Type: application/json");
  } else {
    // libcurl would name the empty body of a POST a form.
    request.headers.emplace_back("Content-Type:");
  }
  if (!call.if_match.empty())
    request.headers.push_back(call.if_match == "*" ? "If-Match: *" : fmt::format("If-Match: \"{}\"", call.if_match));
  if (!call.idempotency_key.empty()) request.headers.push_back("Idempotency-Key: " + call.idempotency_key);
  request.endless = call.endless;
  auto answer = http_->Send(request, body_sink);
  if (!answer) {
    Failure failure = std::move(answer).error();
    failure.what = fmt::format("Cannot {}: {}", call.what, failure.what);
    return Refuse(std::move(failure));
  }
  return answer;
}

Outcome<Answer> Client::Send(const Call& call) {
  GUIDON_ASSIGN(const HttpAnswer http, SendRaw(call));
  if (http.status < 200 || http.status > 299) return Refuse(Refusal(call, http));
  Answer answer{.status = http.status, .body = {}};
  if (!http.body.empty()) {
    auto body = json::Parse(http.body, {.bytes_max = http.body.size(), .depth_max = kAnswerDepthMax});
    if (!body)
      return Refuse({.what = fmt::format("Cannot {}: the answer is not JSON", call.what),
                     .why = "something other than a Guidon server may listen there",
                     .next = "check --url or GUIDON_URL"});
    answer.body = *std::move(body);
  }
  std::string etag = Header(http, "etag");
  std::erase(etag, '"');
  answer.version = ParseUnsigned(etag);
  answer.sequence = ParseUnsigned(Header(http, "guidon-sequence"));
  answer.replayed = Header(http, "idempotency-replayed") == "true";
  return answer;
}

Outcome<ListAnswer> Client::List(const std::string& path, const Query& query, const ListOptions& options,
                                 const std::string& what) {
  ListAnswer list;
  std::string cursor = options.cursor;
  do {
    const std::size_t left = options.all ? kPageLimit : options.limit - list.items.size();
    Query page = query;
    page.emplace_back("limit", std::to_string(std::min(left, kPageLimit)));
    page.emplace_back("cursor", cursor);
    GUIDON_ASSIGN(const Answer answer, Send({.target = path + QueryText(page), .what = what}));
    const Value* items = At(answer.body, "items");
    if (items != nullptr && items->AsList() != nullptr)
      list.items.insert(list.items.end(), items->AsList()->begin(), items->AsList()->end());
    cursor = TextAt(answer.body, "nextCursor");
  } while (!cursor.empty() && (options.all || list.items.size() < options.limit));
  list.next_cursor = cursor;
  return list;
}

void Client::Show(const Value& document, const std::function<std::string()>& as_table) const {
  Print(output_ == "json" ? ToPrettyJson(document) : output_ == "yaml" ? ToYaml(document) : as_table());
}

void Client::ShowChange(std::string_view done, const Answer& answer, const Value& propagation) const {
  Object document;
  document.Set("replayed", answer.replayed);
  if (answer.version) document.Set("version", static_cast<std::int64_t>(*answer.version));
  if (answer.sequence) document.Set("sequence", static_cast<std::int64_t>(*answer.sequence));
  if (!answer.body.IsNull()) document.Set("entity", answer.body);
  if (!propagation.IsNull()) document.Set("propagation", propagation);
  Show(document, [&] {
    std::vector<std::string> facts;
    if (answer.version) facts.push_back(fmt::format("version {}", *answer.version));
    if (answer.sequence) facts.push_back(fmt::format("sequence {}", *answer.sequence));
    if (answer.replayed) facts.emplace_back("done before under this idempotency key, not repeated");
    std::string line = Styled(Printable(done), Style::kGreen, terminal_.colour);
    if (!facts.empty()) line += fmt::format(" ({})", fmt::join(facts, ", "));
    return line + "\n";
  });
  const Value* warnings = At(answer.body, "warnings");
  if (!IsTable() || warnings == nullptr || warnings->AsList() == nullptr) return;
  for (const Value& one : *warnings->AsList())
    fmt::print(stderr, "{} {} ({} at {})\n",
               Styled(TextAt(one, "severity") + ":", Style::kYellow, terminal_.colour_error),
               Printable(TextAt(one, "message")), TextAt(one, "code"), Printable(TextAt(one, "field")));
}

void Client::ShowList(const ListAnswer& list, const TextTable& table, std::string_view nothing) const {
  Show(list.ToValue(),
       [&] { return table.empty() ? std::string(nothing) + "\n" : table.Render(terminal_.colour, terminal_.columns); });
  if (IsTable() && !list.next_cursor.empty())
    fmt::print(stderr, "There are more: --all lists them, --cursor {} goes on.\n", list.next_cursor);
}

Failure Refusal(const Call& call, const HttpAnswer& answer) {
  Failure failure{.exit = ExitCodeOfStatus(answer.status), .what = fmt::format("Cannot {}", call.what)};
  failure.request_id = Header(answer, "x-request-id");
  failure.why = ReasonPhrase(answer.status);
  failure.next = AdviceFor(answer.status, call);
  const auto problem = json::Parse(answer.body);
  if (!problem || problem->AsObject() == nullptr) return failure;
  failure.code = TextAt(*problem, "code", TextAt(*problem, "errorCode"));
  failure.field = TextAt(*problem, "field");
  const std::string detail = TextAt(*problem, "detail", TextAt(*problem, "errorDetails", TextAt(*problem, "title")));
  if (!detail.empty())
    failure.why = failure.field.empty() || detail.contains(failure.field) ? detail : failure.field + ": " + detail;
  if (const std::string version = TextAt(*problem, "currentVersion"); !version.empty())
    failure.why += fmt::format(" (version {} is there now)", version);
  return failure;
}

Outcome<void> Confirm(const Terminal& terminal, bool yes, std::string_view question) {
  if (yes) return {};
  if (!terminal.input || !terminal.error)
    return UsageError("This needs a confirmation, and no terminal is there to ask on", "add --yes");
  fmt::print(stderr, "{} [y/N] ", question);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return Refuse({.what = "Not confirmed: nothing was changed"});
}

Outcome<std::string> ReadInput(const std::string& file) {
  std::ifstream stream;
  if (file != "-") {
    stream.open(file, std::ios::binary);
    if (!stream.is_open()) return UsageError(fmt::format("The file {} cannot be read", file));
  }
  std::istream& in = file == "-" ? std::cin : stream;
  std::string text;
  std::array<char, 64UL * 1024> buffer;
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kInputBytesMax)
      return UsageError(fmt::format("{} holds more than {} MiB", file, kInputBytesMax / 1024 / 1024));
  }
  if (in.bad()) return UsageError(fmt::format("The file {} cannot be read", file));
  return text;
}

Outcome<Value> ReadJsonFile(const std::string& file) {
  GUIDON_ASSIGN(const std::string text, ReadInput(file));
  return Lift(json::Parse(text, {.bytes_max = kInputBytesMax, .depth_max = kAnswerDepthMax}),
              fmt::format("{} is not a JSON document", file == "-" ? "Standard input" : "The file " + file));
}

Outcome<Value> ParseJsonOption(std::string_view option, std::string_view text) {
  return Lift(json::Parse(text), fmt::format("The value of {} is not JSON", option));
}

Outcome<std::string> ParseTimeOption(std::string_view option, std::string_view text, bool ago) {
  if (const auto time = base::ParseTimestamp(text)) return base::FormatTimestamp(*time);
  if (const auto day = base::ParseDate(text)) return base::FormatTimestamp(*day);
  const auto seconds = ParseSeconds(text.starts_with('+') ? text.substr(1) : text);
  // Bounded so that the sum stays within years that can be written.
  constexpr std::int64_t kSpanSecondsMax = std::int64_t{1000} * 366 * 24 * 3600;
  if (!seconds || *seconds > kSpanSecondsMax)
    return UsageError(fmt::format("{} '{}' is not a time", option, text),
                      "give 2026-12-31T15:00:00Z, 2026-12-31, or a span such as 90m or 30d");
  const base::Timestamp now = base::SystemClock{}.Now();
  const auto span = std::chrono::seconds(*seconds);
  const auto least = base::Timestamp{};
  return base::FormatTimestamp(ago ? std::max(now - span, least) : now + span);
}

std::string EnvironmentPath(const std::string& environment, std::string_view rest) {
  return fmt::format("/api/v1/environments/{}/{}", PercentEncode(environment), rest);
}

std::string VersionText(const Value& entity) { return TextAt(entity, "version"); }

void Print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

Outcome<void> FlushOutput() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  return Refuse({.what = "The output could not be written whole", .next = "check the disk and what reads the output"});
}

void PrintFailure(const Failure& failure, bool as_json) {
  if (as_json) {
    Object error;
    const auto set = [&](std::string_view name, const std::string& text) {
      if (!text.empty()) error.Set(name, text);
    };
    set("message", failure.what);
    set("cause", failure.why);
    set("next", failure.next);
    set("code", failure.code);
    set("field", failure.field);
    set("requestId", failure.request_id);
    error.Set("exitCode", static_cast<int>(failure.exit));
    Object document;
    document.Set("error", std::move(error));
    fmt::print(stderr, "{}", ToPrettyJson(document));
    return;
  }
  const bool colour = Terminal::Detect().colour_error;
  fmt::print(stderr, "{} {}\n", Styled("error:", Style::kRed, colour), Printable(failure.what));
  const auto line = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) fmt::print(stderr, "  {:<11} {}\n", name, Printable(text));
  };
  line("why:", failure.why);
  line("next:", failure.next);
  line("code:", failure.code);
  line("request id:", failure.request_id);
}

}  // namespace guidon::cli
