// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/segment_key_commands.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "apps/guidon/client.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/segment_key_file.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

const std::vector<std::string> kLists = {"included", "excluded"};

// A portion stays below both limits of a request: 10,000 keys, and 1 MB.
constexpr std::size_t kPortionKeysMax = 10'000;
constexpr std::size_t kPortionBytesMax = 900UL * 1024;
constexpr std::size_t kEscapedBytesMax = 6;  // "\u001f" for one byte
constexpr std::size_t kPageLimit = 1000;

struct Target {
  std::string segment = {};
  std::string environment = {};
  std::string list = "included";
};

void AddTarget(CommandTree& tree, CLI::App& command, Target& target) {
  command.add_option("SEGMENT", target.segment, "Key of the segment")->required();
  AddEnvironmentOption(command, target.environment);
  tree.Restrict(command.add_option("--list", target.list, "Which of its lists")->capture_default_str(), kLists);
}

std::string PathOf(const Target& target) {
  return EnvironmentPath(target.environment, "segments/" + PercentEncode(target.segment) + "/keys");
}
std::string NounOf(const Target& target) { return fmt::format("segment {} in {}", target.segment, target.environment); }
std::string HintFor(const Target& target) {
  return fmt::format("create it first: guidon segment create {} --environment {}", target.segment, target.environment);
}

// Bytes as JSON, at most.
std::size_t WireBytes(std::string_view key) {
  const bool plain = std::ranges::all_of(key, [](char c) { return c != '"' && c != '\\' && (c < 0 || c >= ' '); });
  return (plain ? key.size() : key.size() * kEscapedBytesMax) + 3;
}

// As many keys from the front as one request takes.
std::span<const std::string> TakePortion(std::span<const std::string>& keys) {
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < keys.size() && count < kPortionKeysMax; ++count) {
    bytes += WireBytes(keys[count]);
    if (bytes > kPortionBytesMax && count > 0) break;
  }
  const auto portion = keys.first(count);
  keys = keys.subspan(count);
  return portion;
}

List ListOf(std::span<const std::string> keys) {
  List list;
  list.reserve(keys.size());
  for (const std::string& key : keys) list.emplace_back(key);
  return list;
}

// One line that is written over, on a terminal only.
class Progress {
 public:
  Progress(bool shown, std::size_t total) : shown_(shown), total_(total) {}
  void Show(std::size_t done) const {
    if (shown_) fmt::print(stderr, "\r{} of {} keys ({} %)", done, total_, done * 100 / total_);
  }
  void End() const {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  bool shown_;
  std::size_t total_;
};

struct EditOptions : ChangeOptions {
  Target target;
  std::vector<std::string> keys;
  std::string file = {};
};

// What all requests together did.
struct Sum {
  std::int64_t added = 0;
  std::int64_t removed = 0;
  Answer last;
  void Add(Answer answer, const std::string& list) {
    added += NumberAt(answer.body, "added." + list);
    removed += NumberAt(answer.body, "removed." + list);
    last = std::move(answer);
  }
};

void ShowSum(const Client& client, const Target& target, const Sum& sum) {
  Object summary;
  summary.Set("segmentKey", target.segment);
  summary.Set("environment", target.environment);
  summary.Set("list", target.list);
  summary.Set("added", sum.added);
  summary.Set("removed", sum.removed);
  for (const std::string_view name : {"includedCount", "excludedCount", "version"}) {
    if (const Value* value = At(sum.last.body, name)) summary.Set(name, *value);
  }
  if (sum.last.sequence) summary.Set("sequence", static_cast<std::int64_t>(*sum.last.sequence));
  const Value document(std::move(summary));
  client.Show(document, [&] {
    return fmt::format("Added {} and removed {} {} keys of {} (now {} included, {} excluded; version {})\n", sum.added,
                       sum.removed, target.list, NounOf(target), TextAt(document, "includedCount"),
                       TextAt(document, "excludedCount"), TextAt(document, "version"));
  });
}

// Adds or removes the keys portion by portion. Sending all again after an error changes nothing twice.
Outcome<void> SendPortions(const EditOptions& options, const std::vector<std::string>& keys, std::string_view verb) {
  GUIDON_ASSIGN(Client client, Client::Open(options));
  const Progress progress(client.terminal().error && keys.size() > kPortionKeysMax, keys.size());
  std::span<const std::string> left(keys);
  Sum sum;
  while (!left.empty()) {
    const std::size_t at = keys.size() - left.size();
    progress.Show(at);
    Object lists;
    lists.Set(options.target.list, ListOf(TakePortion(left)));
    Object body;
    body.Set(verb, std::move(lists));
    auto answer = client.Send(
        {.method = "POST",
         .target = PathOf(options.target),
         .what = fmt::format("{} keys: {}", verb, NounOf(options.target)),
         .body = Value(std::move(body)),
         .idempotency_key = options.idempotency_key.empty() ? "" : fmt::format("{}-{}", options.idempotency_key, at),
         .hint = HintFor(options.target)});
    if (!answer) {
      progress.End();
      Failure failure = std::move(answer).error();
      if (at > 0) failure.next = fmt::format("the first {} keys are done; sending all of them again is safe", at);
      return Refuse(std::move(failure));
    }
    sum.Add(*std::move(answer), options.target.list);
  }
  progress.End();
  ShowSum(client, options.target, sum);
  return {};
}

Outcome<std::vector<std::string>> KeysOf(const EditOptions& options) {
  if (options.keys.empty() == options.file.empty())
    return UsageError("Which keys?", "give either keys or --file (- is standard input)");
  if (!options.file.empty()) {
    GUIDON_ASSIGN(const std::string text, ReadInput(options.file));
    return ParseSegmentKeys(text);
  }
  std::vector<std::string> keys = options.keys;
  std::ranges::sort(keys);
  const auto twins = std::ranges::unique(keys);
  keys.erase(twins.begin(), twins.end());
  return keys;
}

void AddEdit(CommandTree& tree, CLI::App& group, const std::string& verb, std::string_view what,
             std::vector<std::string> examples) {
  auto options = std::make_shared<EditOptions>();
  CLI::App& command =
      tree.Command(group, verb, std::string(what), std::move(examples), [options, verb]() -> Outcome<void> {
        GUIDON_ASSIGN(const auto keys, KeysOf(*options));
        return SendPortions(*options, keys, verb);
      });
  AddTarget(tree, command, options->target);
  command.add_option("KEY", options->keys, "Targeting keys");
  command.add_option("--file", options->file, "File with one key a line, or JSON lines; - is standard input")
      ->type_name("FILE");
  AddChangeOptions(tree, command, *options);
}

void AddImport(CommandTree& tree, CLI::App& group) {
  struct Options : EditOptions {
    bool replace = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command =
      tree.Command(group, "import", "Add the keys of a file, or make them the whole list",
                   {"guidon segment keys import beta-users users.txt --environment production",
                    "guidon segment keys import beta-users users.txt --replace",
                    "jq -c .userId users.json | guidon segment keys import beta-users - --list excluded"},
                   [options]() -> Outcome<void> {
                     GUIDON_ASSIGN(const std::string text, ReadInput(options->file));
                     GUIDON_ASSIGN(const auto keys, ParseSegmentKeys(text));
                     if (!options->replace) return SendPortions(*options, keys, "add");
                     GUIDON_ASSIGN(Client client, Client::Open(*options));
                     Object body;
                     body.Set(options->target.list, ListOf(keys));
                     GUIDON_ASSIGN(Answer answer, client.Send({.method = "PUT",
                                                               .target = PathOf(options->target),
                                                               .what = "replace the keys of " + NounOf(options->target),
                                                               .body = Value(std::move(body)),
                                                               .if_match = "*",
                                                               .idempotency_key = options->idempotency_key,
                                                               .hint = HintFor(options->target)}));
                     Sum sum;
                     sum.Add(std::move(answer), options->target.list);
                     ShowSum(client, options->target, sum);
                     return {};
                   });
  tree.Describe(command,
                "The file has one key a line, or JSON lines: strings, or objects with a \"key\". All lines are checked "
                "before the first is sent. Without --replace the keys are sent in portions of up to 10,000; after an "
                "error, importing again is safe.");
  AddTarget(tree, command, options->target);
  command.add_option("FILE", options->file, "The keys; - is standard input")->required();
  command.add_flag("--replace", options->replace, "The file is the whole list: keys that are not in it go");
  AddChangeOptions(tree, command, *options);
}

// Keys page by page as they come, one a line: a million of them need not be in memory.
Outcome<void> PrintKeys(Client& client, const std::string& path, const Query& query, const ListOptions& options,
                        const std::string& what) {
  std::string cursor = options.cursor;
  std::size_t shown = 0;
  do {
    Query page = query;
    page.emplace_back("limit", std::to_string(options.all ? kPageLimit : std::min(options.limit - shown, kPageLimit)));
    page.emplace_back("cursor", cursor);
    GUIDON_ASSIGN(const Answer answer, client.Send({.target = path + QueryText(page), .what = what}));
    const Value* items = At(answer.body, "items");
    std::string lines;
    if (items != nullptr && items->AsList() != nullptr) {
      shown += items->AsList()->size();
      for (const Value& key : *items->AsList()) lines += Printable(*key.AsString()) + "\n";
    }
    Print(lines);
    cursor = TextAt(answer.body, "nextCursor");
  } while (!cursor.empty() && (options.all || shown < options.limit));
  if (!cursor.empty()) fmt::print(stderr, "There are more: --all lists them, --cursor {} goes on.\n", cursor);
  return {};
}

void AddList(CommandTree& tree, CLI::App& group) {
  struct Options : ListOptions {
    Target target;
    std::string prefix;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      group, "list", "List the keys of a segment, one a line",
      {"guidon segment keys list beta-users --all > users.txt",
       "guidon segment keys list beta-users --list excluded --prefix acme-"},
      [options]() -> Outcome<void> {
        GUIDON_ASSIGN(Client client, Client::Open(*options));
        const std::string what = fmt::format("list the {} keys of {}", options->target.list, NounOf(options->target));
        const Query query = {{"list", options->target.list}, {"prefix", options->prefix}};
        if (client.IsTable()) return PrintKeys(client, PathOf(options->target), query, *options, what);
        GUIDON_ASSIGN(const ListAnswer list, client.List(PathOf(options->target), query, *options, what));
        client.ShowList(list, TextTable({"KEY"}), "No keys.");
        return {};
      });
  AddTarget(tree, command, options->target);
  command.add_option("--prefix", options->prefix, "Only keys that begin with this text")->type_name("TEXT");
  AddListOptions(tree, command, *options);
}

}  // namespace

void AddSegmentKeyCommands(CommandTree& tree, CLI::App& segment_group) {
  CLI::App& group = tree.Group(segment_group, "keys", "The keys of a segment, up to a million");
  AddList(tree, group);
  AddEdit(tree, group, "add", "Add keys to a list of a segment",
          {"guidon segment keys add beta-users user-1 user-2 --environment production",
           "guidon segment keys add beta-users --list excluded --file opted-out.txt"});
  AddEdit(tree, group, "remove", "Remove keys from a list of a segment",
          {"guidon segment keys remove beta-users user-1", "guidon segment keys remove beta-users --file gone.txt"});
  AddImport(tree, group);
}

}  // namespace guidon::cli
