// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/evaluation.hpp"
#include "guidon/model/value.hpp"

namespace guidon::client {

enum class State : std::uint8_t {
  kStarting,  // no definitions yet: evaluations give the caller's default
  kReady,
  kStale,  // evaluations go on with the last definitions; the server has not confirmed them for `stale_after`
  kError   // the server refuses the credential or the environment, or there is no definition and no server
};
std::string_view NameOf(State state);  // "STARTING", "READY", "STALE", "ERROR"

struct Status {
  State state = State::kStarting;
  // Since the server last confirmed the definitions, or since the file was written that they come from; nothing where
  // there are none.
  std::optional<std::chrono::milliseconds> age = std::nullopt;
  std::string detail = {};  // what went wrong last, and what to do; "" while nothing is wrong
  std::string etag = {};    // of the definitions that are evaluated, with quotes
  bool streaming = false;   // changes are pushed; else they are polled for
  std::size_t flags = 0;
  std::uint64_t usage_lost = 0;  // evaluations that will be in no figure
};

// What came with a publication of new definitions.
struct Change {
  bool everything = false;              // anything may be different: a first load, a segment, a kill switch
  std::vector<std::string> flags = {};  // keys of flags that changed, came or went; those that refer to them may differ
};

struct Options {
  std::string url;             // of the server, "https://flags.example"; "" = none: only the bootstrap file counts
  std::string environment;     // that the key belongs to
  std::string api_key = {};    // a server key; "" in the local profile
  std::string client_id = {};  // what receipts and usage call this process; "" = something random
  std::vector<std::string> flags = {};  // only these and what they depend on; empty = all
  // Where the last good definitions are kept, for a start without a server; "" = nowhere. One file for each client with
  // its own environment, key and flags.
  std::string snapshot_path = {};
  // A definitions document (docs/library.md) to begin with where there is no snapshot; "" = none.
  std::string bootstrap_path = {};
  std::string ca_bundle = {};  // PEM file; "" = the system's
  bool stream = true;          // else only polling
  bool send_usage = true;
  std::chrono::milliseconds poll_interval{30'000};  // while there is no stream
  std::chrono::milliseconds stale_after{60'000};    // a stream says something every 20 seconds
  std::chrono::milliseconds request_timeout{15'000};
  std::chrono::milliseconds usage_interval{10'000};
  std::chrono::milliseconds shutdown_timeout{2'000};  // for the last usage figures
  // Both are called on the client's thread, one at a time; they must return soon and must not destroy the client.
  std::function<void(const Change&)> on_change = {};
  std::function<void(const Status&)> on_state = {};  // when `state` has changed
};

// An answer with its circumstances, in OpenFeature's words.
template <class T>
struct Details {
  T value;
  std::string variant = {};  // "" where the default was taken
  model::Reason reason = model::Reason::kError;
  model::EvaluationError error = model::EvaluationError::kNone;
  std::string error_message = {};
  std::string rule_id = {};      // that decided
  std::string kill_switch = {};  // that decided
  bool expired = false;
  bool stale = false;  // the flag's definition cannot be read; its last good one answered
};

// Evaluates flags in this process and keeps their definitions up to date over the server's event stream.
//
// All functions are thread-safe. Evaluating never waits, does no input or output and throws nothing: it takes what was
// published last, or the caller's default. One thread of its own does everything else; it has all signals blocked.
//
// After fork() the child evaluates with what the parent had and starts a thread and streams of its own with its first
// evaluation or status; until then it has none. Lives until the end of the program or longer than whoever evaluates.
class Client {
 public:
  // Reads snapshot or bootstrap file and returns; the server is asked in the background. Damaged files, or a server
  // that does not answer, are no errors here: Status tells. Errors: kInvalidArgument naming the option.
  static base::Result<std::unique_ptr<Client>> Start(Options options);
  // Sends what usage figures it can within `shutdown_timeout`, writes the snapshot and ends the thread.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool Bool(std::string_view flag_key, bool fallback, const model::Context& context) noexcept;
  std::string String(std::string_view flag_key, std::string fallback, const model::Context& context) noexcept;
  double Number(std::string_view flag_key, double fallback, const model::Context& context) noexcept;
  // An object, or whatever else the flag's value is.
  model::Value Object(std::string_view flag_key, model::Value fallback, const model::Context& context) noexcept;

  Details<bool> BoolDetails(std::string_view flag_key, bool fallback, const model::Context& context) noexcept;
  Details<std::string> StringDetails(std::string_view flag_key, std::string fallback,
                                     const model::Context& context) noexcept;
  Details<double> NumberDetails(std::string_view flag_key, double fallback, const model::Context& context) noexcept;
  Details<model::Value> ObjectDetails(std::string_view flag_key, model::Value fallback,
                                      const model::Context& context) noexcept;

  Status status();
  // Waits until there are definitions, or the server has refused, or the time is over. True where evaluations have
  // definitions.
  bool WaitUntilReady(std::chrono::milliseconds timeout);

  struct Impl;

 private:
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::client
