// SPDX-License-Identifier: Apache-2.0
// Bytes → flagd's definitions → flags → answers. Whatever is imported is exported unchanged, and evaluating it ends.
#include "guidon/flagd/flagd.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/base/text.hpp"
#include "guidon/eval/compile_check.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/flag.hpp"

namespace guidon {
namespace {

using model::Value;

// Not assert: it must also hold in optimised builds.
void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireReadable(const base::Error& error) {
  Require(!error.message.empty());
  Require(base::IsUtf8(error.message) && base::IsUtf8(error.field));
}

model::Context ContextOf(std::string_view text) {
  auto context = json::ContextFromJson(*json::Parse(text));
  Require(context.has_value());
  return *std::move(context);
}

void Evaluate(const model::Flag& flag) {
  static const model::Context kNobody;
  static const model::Context kSomebody = ContextOf(
      R"({"targetingKey":"user-1","tenantId":"acme","a":5,"b":"text","c":[1,"2",null,[3]],"d":{"e":true,"f":null}})");
  eval::Definitions definitions;
  definitions.environment = flag->environment;
  definitions.flags = {flag};
  const auto snapshot = eval::Snapshot::Build(std::move(definitions));
  for (const model::Context* context : {&kNobody, &kSomebody}) {
    const eval::Evaluation answer = eval::Evaluate(*snapshot, flag->flag_key, *context, flag->created_at);
    eval::Trace trace;
    const eval::Evaluation traced = eval::Evaluate(*snapshot, flag->flag_key, *context, flag->created_at, &trace);
    Require(answer.variation == traced.variation && answer.reason == traced.reason && answer.error == traced.error);
    Require((answer.error == model::EvaluationError::kParseError) == !eval::CheckCompiles(flag).has_value() ||
            flag->state != model::FlagState::kEnabled);
  }
}

void CheckFlag(model::FlagFields fields, const Value& definition) {
  fields.environment = "fuzz";
  fields.owner = "fuzz";
  const auto flag = model::Flag::Create(std::move(fields));
  if (!flag) return RequireReadable(flag.error());
  if (const auto status = eval::CheckCompiles(*flag); !status) RequireReadable(status.error());
  Evaluate(*flag);
  const auto again = flagd::FromFlagd(flagd::ToFlagd({.flags = {*flag}}).document);
  Require(again.has_value() && again->flags.size() == 1);
  Require(again->flags[0].targeting == (*flag)->targeting);
  Require(again->flags[0].variations == (*flag)->variations);
  Require(definition.AsObject() != nullptr);
}

void Check(std::string_view text) {
  const auto document = json::Parse(text, {.depth_max = model::kTargetingDepthMax + 4});
  if (!document) return;
  auto import = flagd::FromFlagd(*document);
  if (!import) return RequireReadable(import.error());
  for (model::FlagFields& fields : import->flags) CheckFlag(std::move(fields), *document);
}

}  // namespace
}  // namespace guidon

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  guidon::Check(std::string_view(reinterpret_cast<const char*>(data), size));  // NOLINT
  return 0;
}
