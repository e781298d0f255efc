// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/evaluation_text.hpp"

#include <fmt/format.h>

#include "apps/guidon/document.hpp"
#include "guidon/json/json.hpp"

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

// Sets the value at a dotted path, making objects on the way.
void SetPath(Object& object, std::string_view path, Value value) {
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) {
    object.Set(path, std::move(value));
    return;
  }
  const std::string_view head = path.substr(0, dot);
  const Value* present = object.Find(head);
  Object below = present != nullptr && present->AsObject() != nullptr ? *present->AsObject() : Object();
  SetPath(below, path.substr(dot + 1), std::move(value));
  object.Set(head, std::move(below));
}

struct OutcomeLook {
  std::string_view symbol;
  Style style;
};

OutcomeLook LookOf(std::string_view outcome) {
  if (outcome == "decided" || outcome == "matched") return {"▶", Style::kGreen};
  if (outcome == "missing" || outcome == "failed" || outcome == "error") return {"✗", Style::kRed};
  return {"·", Style::kDim};
}

// "plan in ["pro"]" and what was seen, indented by the group it is in.
std::string ConditionLine(const Value& condition, bool colour) {
  const std::string depth_text = TextAt(condition, "depth", "0");
  const std::size_t depth = depth_text.size() == 1 ? static_cast<std::size_t>(depth_text.front() - '0') : 0;
  const std::string op = TextAt(condition, "operator");
  const bool result = TextAt(condition, "result") == "true";
  std::string line = std::string(8 + 2 * depth, ' ');
  line += Styled(result ? "✓ " : "✗ ", result ? Style::kGreen : Style::kRed, colour);
  const std::string attribute = TextAt(condition, "attribute");
  if (attribute.empty() && TextAt(condition, "values").empty()) return line + Printable(op) + "\n";
  line += Printable(fmt::format("{}{}{} {}", attribute, attribute.empty() ? "" : " ", op, TextAt(condition, "values")));
  const bool missing = TextAt(condition, "missing") == "true";
  const std::string seen = TextAt(condition, "seen");
  if (missing || !seen.empty())
    line += Styled(missing ? "   (missing)" : "   (is " + Printable(seen) + ")", Style::kDim, colour);
  return line + "\n";
}

std::string StepText(const Value& step, bool colour) {
  const std::string outcome = TextAt(step, "outcome");
  const OutcomeLook look = LookOf(outcome);
  std::string title = TextAt(step, "step");
  if (const std::string subject = TextAt(step, "subject"); !subject.empty()) title += " " + subject;
  std::string out =
      fmt::format("  {} {}  {}", Styled(look.symbol, look.style, colour),
                  Styled(Printable(title), Style::kBold, colour), Styled(Printable(outcome), look.style, colour));
  if (const std::string detail = TextAt(step, "detail"); !detail.empty()) out += "\n      " + Printable(detail);
  out += "\n";
  if (const Value* conditions = At(step, "conditions"); conditions != nullptr && conditions->AsList() != nullptr)
    for (const Value& condition : *conditions->AsList()) out += ConditionLine(condition, colour);
  if (At(step, "hash") != nullptr)
    out += Styled(Printable(fmt::format("      hash {}, bucket {}, unit '{}'", TextAt(step, "hash"),
                                        TextAt(step, "bucket"), TextAt(step, "unit"))),
                  Style::kDim, colour) +
           "\n";
  return out;
}

std::string ExplanationText(const Value& answer, bool colour) {
  std::string out;
  const bool has_value = At(answer, "value") != nullptr;
  out += Styled(Printable(TextAt(answer, "flagKey")), Style::kBold, colour) + " = ";
  out += has_value ? Styled(Printable(ToCell(*At(answer, "value"))), Style::kGreen, colour)
                   : Styled("no value: the default in your code applies", Style::kYellow, colour);
  std::vector<std::string> facts;
  if (const std::string variation = TextAt(answer, "variation"); !variation.empty())
    facts.push_back("variation " + variation);
  facts.push_back(TextAt(answer, "reason"));
  if (const std::string code = TextAt(answer, "errorCode"); !code.empty()) facts.push_back(code);
  facts.push_back("snapshot " + TextAt(answer, "trace.sequence"));
  out += Printable(fmt::format("   ({})", fmt::join(facts, ", "))) + "\n\n";
  const Value* steps = At(answer, "trace.steps");
  if (steps != nullptr && steps->AsList() != nullptr)
    for (const Value& step : *steps->AsList()) out += StepText(step, colour);
  return out;
}

}  // namespace

void AddContextOptions(CLI::App& command, ContextOptions& options) {
  const std::string group = "Context";
  command.add_option("-k,--key", options.key, "Targeting key: the user or thing it is evaluated for")
      ->type_name("TEXT")
      ->group(group);
  command.add_option("-t,--tenant", options.tenant, "Tenant")->type_name("ID")->group(group);
  command.add_option("-a,--attr", options.attributes, "Attribute, nested with dots; JSON or text; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--context", options.file, "JSON object to start from; - is standard input")
      ->type_name("FILE")
      ->group(group);
}

Outcome<Value> ContextDocument(const ContextOptions& options) {
  Object context;
  if (!options.file.empty()) {
    GUIDON_ASSIGN(const Value document, ReadJsonFile(options.file));
    if (document.AsObject() == nullptr) return UsageError(options.file + " does not hold a JSON object");
    context = *document.AsObject();
  }
  for (const auto& text : options.attributes) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return UsageError(fmt::format("--attr '{}' must be NAME=VALUE", text));
    const std::string value = text.substr(equals + 1);
    auto parsed = json::Parse(value);
    SetPath(context, std::string_view(text).substr(0, equals),
            parsed && !parsed->IsNull() ? *std::move(parsed) : Value(value));
  }
  if (!options.key.empty()) context.Set("targetingKey", options.key);
  if (!options.tenant.empty()) context.Set("tenantId", options.tenant);
  return Value(std::move(context));
}

Outcome<void> ExplainFlag(Client& client, const std::string& environment, const std::string& flag,
                          const ContextOptions& context) {
  GUIDON_ASSIGN(Value document, ContextDocument(context));
  Object body;
  body.Set("context", std::move(document));
  const std::string target = EnvironmentPath(environment, "flags/" + PercentEncode(flag) + "/explain");
  GUIDON_ASSIGN(
      const Answer answer,
      client.Send({.method = "POST",
                   .target = target,
                   .what = fmt::format("explain flag {} in {}", flag, environment),
                   .body = Value(std::move(body)),
                   .hint = fmt::format("see which there are: guidon flag list --environment {}", environment)}));
  client.Show(answer.body, [&] { return ExplanationText(answer.body, client.terminal().colour); });
  if (const std::string code = TextAt(answer.body, "errorCode"); !code.empty())
    return Refuse(EvaluationFailure(flag, code, ""));
  return {};
}

Failure EvaluationFailure(std::string_view flag, std::string_view code, std::string_view details) {
  Failure failure{.exit = ExitCode::kFailure,
                  .what = fmt::format("Flag {} has no value here", flag),
                  .why = details.empty() ? std::string(code) : std::string(details),
                  .code = std::string(code)};
  if (code == "FLAG_NOT_FOUND") {
    failure.exit = ExitCode::kNotFound;
    failure.next =
        "look at key, environment and tenant; an archived flag and another tenant's flag are not found either";
  } else if (code == "TARGETING_KEY_MISSING") {
    failure.next = "give what the flag is split by, usually --key";
  } else if (code == "INVALID_CONTEXT" || code == "TYPE_MISMATCH") {
    failure.exit = ExitCode::kUsage;
  } else {
    failure.next = "see the definition's problem with: guidon health";
  }
  return failure;
}

}  // namespace guidon::cli
