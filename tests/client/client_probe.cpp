// SPDX-License-Identifier: Apache-2.0
// A program with a client, for tests: client_probe NAME=VALUE… starts it with these options; lines of standard input
// say what to do, lines of standard output what came of it. Changes and states are told as they come.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "guidon/client/client.hpp"

namespace {

namespace client = guidon::client;
using guidon::model::Context;

std::mutex output;

void Say(const std::string& line) {
  const std::lock_guard lock(output);
  std::cout << line << std::endl;
}

Context ContextOf(const std::string& tenant, const std::string& user) {
  Context::Fields fields;
  if (tenant != "-") fields.tenant_id = tenant;
  if (user != "-") fields.targeting_key = user;
  return *Context::Create(std::move(fields));
}

std::string StatusText(const client::Status& status) {
  std::ostringstream out;
  out << client::NameOf(status.state) << ' ' << (status.age ? status.age->count() : -1) << ' '
      << (status.streaming ? "streaming" : "polling") << ' ' << status.flags << ' ' << status.detail;
  return out.str();
}

std::string Answer(client::Client& flags, std::istringstream& words) {
  std::string key;
  std::string tenant = "-";
  std::string user = "-";
  words >> key >> tenant >> user;
  const auto details = flags.BoolDetails(key, false, ContextOf(tenant, user));
  return std::string(details.value ? "true " : "false ") + std::string(NameOf(details.reason)) + ' ' +
         std::string(NameOf(details.error)) + ' ' + details.kill_switch;
}

// Two flags that always change together, many times: the value, and how often the second was not what the first one was
// before and after.
std::string Pair(client::Client& flags, std::istringstream& words) {
  constexpr int kRounds = 2000;
  std::string first;
  std::string second;
  words >> first >> second;
  const Context nobody = ContextOf("-", "-");
  int mixtures = 0;
  double value = -1;
  for (int i = 0; i < kRounds; ++i) {
    const double before = flags.Number(first, -1, nobody);
    const double between = flags.Number(second, -1, nobody);
    value = flags.Number(first, -1, nobody);
    mixtures += before == value && between != value ? 1 : 0;
  }
  std::ostringstream out;
  out << value << ' ' << mixtures;
  return out.str();
}

int Value(const std::map<std::string, std::string>& options, const std::string& name, int fallback) {
  const auto found = options.find(name);
  return found == options.end() ? fallback : std::atoi(found->second.c_str());
}

// The child serves the rest of the input, and the parent waits for it.
void InChild(std::string& role) {
  std::cout.flush();
  const pid_t child = fork();
  if (child == 0) {
    role = "child ";
    return;
  }
  int status = 0;
  waitpid(child, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    const std::size_t equals = text.find('=');
    given[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  std::string role;
  client::Options options{.url = given["url"], .environment = "development"};
  options.api_key = given["key"];
  options.client_id = given["id"];
  options.snapshot_path = given["snapshot"];
  options.bootstrap_path = given["bootstrap"];
  options.stream = Value(given, "stream", 1) != 0;
  options.poll_interval = std::chrono::milliseconds(Value(given, "poll", 30'000));
  options.stale_after = std::chrono::milliseconds(Value(given, "stale", 60'000));
  options.usage_interval = std::chrono::milliseconds(Value(given, "usage", 10'000));
  if (!given["flags"].empty()) options.flags = {given["flags"]};
  options.on_change = [&](const client::Change& change) {
    std::string line = role + "change" + (change.everything ? " everything" : "");
    for (const std::string& key : change.flags) line += ' ' + key;
    Say(line);
  };
  options.on_state = [&](const client::Status& status) { Say(role + "state " + StatusText(status)); };
  auto started = client::Client::Start(std::move(options));
  if (!started) {
    Say("refused " + started.error().field);
    return 1;
  }
  auto flags = *std::move(started);
  // Unbuffered: after a fork parent and child read the same input.
  std::string line;
  for (char c = 0; read(STDIN_FILENO, &c, 1) == 1;) {
    if (c != '\n') {
      line += c;
      continue;
    }
    std::istringstream words(std::exchange(line, {}));
    std::string command;
    words >> command;
    if (command == "ready") Say(role + "ready " + (flags->WaitUntilReady(std::chrono::seconds(30)) ? "yes" : "no"));
    if (command == "bool") Say(role + "answer " + Answer(*flags, words));
    if (command == "pair") Say(role + "pair " + Pair(*flags, words));
    if (command == "status") Say(role + "status " + StatusText(flags->status()));
    if (command == "fork") InChild(role);
    if (command == "quit") break;
  }
  flags.reset();
  Say(role + "ended");
  // In a child, what belongs to the parent is not to be torn down.
  std::cout.flush();
  _exit(0);
}
