// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/guidon/command_tree.hpp"
#include "apps/guidon/http_client.hpp"
#include "apps/guidon/terminal.hpp"
#include "guidon/model/value.hpp"

// What the commands that talk to a server share: options, calls with readable failures, output.
namespace guidon::cli {

// Options of every command that talks to a server.
struct ClientOptions {
  std::string url = "http://127.0.0.1:3001";
  std::string api_key_file = {};
  std::string timeout = "20s";  // longer than a server works on a request, so that its own account is heard
  std::string output = "table";
  bool no_color = false;
};
void AddClientOptions(CommandTree& tree, CLI::App& command, ClientOptions& options);

// Options of every command that changes something.
struct ChangeOptions : ClientOptions {
  std::string idempotency_key = {};
};
void AddChangeOptions(CommandTree& tree, CLI::App& command, ChangeOptions& options);

void AddEnvironmentOption(CLI::App& command, std::string& environment);
void AddYesOption(CLI::App& command, bool& yes);

// Options of every command that lists.
struct ListOptions : ClientOptions {
  std::size_t limit = 100;
  bool all = false;
  std::string cursor = {};
};
void AddListOptions(CommandTree& tree, CLI::App& command, ListOptions& options);

// A successful answer.
struct Answer {
  int status = 0;
  model::Value body;                                     // null where there was none
  std::optional<std::uint64_t> version = std::nullopt;   // of the entity, from ETag
  std::optional<std::uint64_t> sequence = std::nullopt;  // of the change
  bool replayed = false;                                 // the idempotency key was used before: nothing was repeated
};

struct Call {
  std::string method = "GET";
  std::string target;  // path and query
  std::string what;    // for messages: "create flag new-checkout in production"
  std::optional<model::Value> body = std::nullopt;
  std::string if_match = {};         // "3", "*", "" = none
  std::string idempotency_key = {};  // "" = none
  std::vector<std::string> headers = {};
  std::string hint = {};  // what to do next when the thing is not found
  bool endless = false;   // an event stream: no time limit once connected
};

using Query = std::vector<std::pair<std::string_view, std::string>>;
// "?a=b&c=d" of the entries that are not empty; "" without any.
std::string QueryText(const Query& query);

struct ListAnswer {
  model::List items;
  std::string next_cursor;  // "" = that was all
  model::Value ToValue() const;
};

// A connection to the server and the way out to the user. One command, one Client.
class Client {
 public:
  // Errors: kUsage (URL, key file, timeout), kFailure.
  static Outcome<Client> Open(const ClientOptions& options);

  // Errors: the server's refusal with its request id, or kUnavailable.
  Outcome<Answer> Send(const Call& call);
  // As Send, but any status is an answer.
  Outcome<HttpAnswer> SendRaw(const Call& call, const std::function<bool(std::string_view)>& body_sink = {});
  // Fetches pages until `options.limit` (or the end with `all`).
  Outcome<ListAnswer> List(const std::string& path, const Query& query, const ListOptions& options,
                           const std::string& what);

  // The document itself, or `as_table()` where output is a table.
  void Show(const model::Value& document, const std::function<std::string()>& as_table) const;
  // What a change did, with version and sequence. `propagation`: who has it, for documents; null = nothing.
  void ShowChange(std::string_view done, const Answer& answer, const model::Value& propagation = {}) const;
  void ShowList(const ListAnswer& list, const TextTable& table, std::string_view nothing) const;

  bool IsTable() const { return output_ == "table"; }
  const Terminal& terminal() const { return terminal_; }
  const std::string& url() const { return http_->url(); }

 private:
  Client() = default;
  std::unique_ptr<HttpClient> http_;
  Terminal terminal_;
  std::string output_;
};

// Failure for an answer that is not a success.
Failure Refusal(const Call& call, const HttpAnswer& answer);

// Asks on the terminal; without one, `--yes` must have been given. Errors: kUsage (not asked), kFailure (answered no).
Outcome<void> Confirm(const Terminal& terminal, bool yes, std::string_view question);

// Whole content of a file, "-" = standard input. Errors: kUsage.
Outcome<std::string> ReadInput(const std::string& file);
// A JSON document from a file or standard input. Errors: kUsage naming file and position.
Outcome<model::Value> ReadJsonFile(const std::string& file);
Outcome<model::Value> ParseJsonOption(std::string_view option, std::string_view text);

// RFC 3339 time from RFC 3339, a date, or a span from now such as "30d" (in the future, or `ago`). Errors: kUsage.
Outcome<std::string> ParseTimeOption(std::string_view option, std::string_view text, bool ago);

std::string EnvironmentPath(const std::string& environment, std::string_view rest);
std::string VersionText(const model::Value& entity);

// Writes to standard output; what cannot be written is reported by FlushOutput.
void Print(std::string_view text);
// Error: kFailure when the output could not be written (disk full, closed pipe).
Outcome<void> FlushOutput();
// To standard error; as JSON where the command's output is JSON.
void PrintFailure(const Failure& failure, bool as_json);

}  // namespace guidon::cli
