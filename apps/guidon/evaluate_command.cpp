// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "apps/guidon/commands.hpp"
#include "apps/guidon/document.hpp"
#include "apps/guidon/evaluation_text.hpp"
#include "guidon/json/json.hpp"

namespace guidon::cli {
namespace {

using model::Object;
using model::Value;

struct Options : ClientOptions {
  std::string flag = {};
  std::string environment = {};
  std::string type = {};
  bool trace = false;
  ContextOptions context = {};
};

std::string_view TypeOf(const Value& value) {
  if (value.AsBool() != nullptr) return "boolean";
  if (value.IsNumber()) return "number";
  return value.AsString() != nullptr ? "string" : "object";
}

std::string EvaluationText(const Value& answer, const Options& options, bool colour) {
  FieldList list;
  list.Add("flag", TextAt(answer, "key", options.flag), Style::kBold);
  const Value* value = At(answer, "value");
  if (value == nullptr) {
    list.Add("value", "none: the default in your code applies", Style::kYellow);
  } else {
    list.Add("value", ToCell(*value), Style::kGreen);
  }
  if (const std::string variation = TextAt(answer, "variant"); !variation.empty()) list.Add("variation", variation);
  list.Add("reason", TextAt(answer, "reason"));
  if (const Value* metadata = At(answer, "metadata"); metadata != nullptr && metadata->AsObject() != nullptr)
    for (const auto& [name, entry] : *metadata->AsObject()) list.Add(name, ToCell(entry));
  return list.Render(colour);
}

Outcome<void> Evaluate(const Options& options) {
  GUIDON_ASSIGN(Client client, Client::Open(options));
  if (options.trace) return ExplainFlag(client, options.environment, options.flag, options.context);
  GUIDON_ASSIGN(Value context, ContextDocument(options.context));
  Object body;
  body.Set("context", std::move(context));
  const Call call{.method = "POST",
                  .target = "/ofrep/v1/evaluate/flags/" + PercentEncode(options.flag),
                  .what = fmt::format("evaluate flag {} in {}", options.flag, options.environment),
                  .body = Value(std::move(body)),
                  .headers = {"Guidon-Environment: " + options.environment}};
  GUIDON_ASSIGN(const HttpAnswer http, client.SendRaw(call));
  const auto answer = json::Parse(http.body);
  if (!answer || http.status != 200) {
    const std::string code = answer ? TextAt(*answer, "errorCode") : "";
    if (code.empty() || http.status == 401 || http.status == 403) return Refuse(Refusal(call, http));
    Failure failure = EvaluationFailure(options.flag, code, TextAt(*answer, "errorDetails"));
    if (const auto found = http.headers.find("x-request-id"); found != http.headers.end())
      failure.request_id = found->second;
    return Refuse(std::move(failure));
  }
  const Value* value = At(*answer, "value");
  if (!options.type.empty() && value != nullptr && TypeOf(*value) != options.type)
    return Refuse({.exit = ExitCode::kFailure,
                   .what = fmt::format("Flag {} is not of type {}", options.flag, options.type),
                   .why = fmt::format("its value is of type {}", TypeOf(*value)),
                   .next = "a caller that asks for this type gets the default in its code",
                   .code = "TYPE_MISMATCH"});
  client.Show(*answer, [&] { return EvaluationText(*answer, options, client.terminal().colour); });
  return {};
}

}  // namespace

void AddEvaluateCommand(CommandTree& tree) {
  auto options = std::make_shared<Options>();
  CLI::App& command = tree.Command(
      tree.root(), "evaluate", "Evaluate a flag as an application would",
      {"guidon evaluate new-checkout --key user-7 --tenant acme",
       "guidon evaluate theme --environment production --key user-7 --attr plan=pro --attr app.version=2.4.1",
       "guidon evaluate new-checkout --key user-7 --trace",
       "guidon evaluate page-size --type number --output json | jq .value"},
      [options] { return Evaluate(*options); });
  command.add_option("FLAG", options->flag, "Key of the flag")->required();
  AddEnvironmentOption(command, options->environment);
  tree.Restrict(command.add_option("--type", options->type, "Fail if the value is not of this type"),
                {"boolean", "string", "number", "object"});
  command.add_flag("--trace", options->trace, "Show each step that was taken (needs an admin key)");
  AddContextOptions(command, options->context);
  AddClientOptions(tree, command, *options);
}

}  // namespace guidon::cli
