// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "guidon/base/clock.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/library/definitions_document.hpp"
#include "guidon/library/explanation.hpp"
#include "guidon/library/guidon.h"

struct guidon_snapshot {
  std::shared_ptr<const guidon::eval::Snapshot> snapshot;
};
struct guidon_context {
  guidon::model::Context context;
};
struct guidon_error {
  std::string code;
  std::string message;
  std::string field;
};

namespace guidon::library {
namespace {

using base::ErrorCode;
using eval::Evaluation;
using model::EvaluationError;

const char* CodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformed: return "malformed";
    case ErrorCode::kTooLarge: return "too_large";
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kUnsupported: return "unsupported";
    default: return "internal";
  }
}

void Report(guidon_error** error, const char* code, std::string message, std::string field) noexcept {
  if (error == nullptr) return;
  *error = new (std::nothrow) guidon_error{.code = {}, .message = std::move(message), .field = std::move(field)};
  try {
    if (*error != nullptr) (*error)->code = code;
  } catch (const std::exception&) {  // then the code stays empty
  }
}

// What `make` makes, or nullptr with the error that it gave or threw.
template <class Handle, class Make>
Handle* Load(guidon_error** error, Make make) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    auto made = make();
    if (made) return new Handle{*std::move(made)};
    Report(error, CodeOf(made.error().code), std::move(made.error().message), std::move(made.error().field));
  } catch (const std::bad_alloc&) {
    Report(error, "internal", "out of memory", {});
  } catch (const std::exception& exception) {
    Report(error, "internal", exception.what(), {});
  }
  return nullptr;
}

// Each value's JSON is written once, when it is compiled.
eval::CompileOptions Options() {
  return {.annotate_variation = [](std::string_view, const model::Value& value) { return json::Write(value); }};
}

base::Result<std::shared_ptr<const eval::Snapshot>> Compile(std::string_view text) {
  GUIDON_ASSIGN(eval::Definitions definitions, ParseDefinitions(text));
  return eval::Snapshot::Build(std::move(definitions), Options());
}

base::Result<model::Context> ReadContext(std::string_view text) {
  GUIDON_ASSIGN(const model::Value value, json::Parse(text));
  return json::ContextFromJson(value);
}

const model::Context& OrEmpty(const guidon_context* context) {
  static const model::Context kEmpty;
  return context == nullptr ? kEmpty : context->context;
}

base::Timestamp TimeOf(std::int64_t now_ms) {
  if (now_ms == GUIDON_NOW) return base::SystemClock().Now();
  return base::Timestamp{std::chrono::milliseconds{now_ms}};
}

// All of the engine's texts are strings, which end with a zero byte, or literals.
guidon_text TextOf(std::string_view text) { return {.data = text.empty() ? "" : text.data(), .size = text.size()}; }

void FillValue(const eval::CompiledVariation& variation, guidon_evaluation& out) {
  out.variant = TextOf(variation.name);
  out.json = TextOf(variation.annotation);
  const model::Value& value = variation.value;
  if (const bool* boolean = value.AsBool()) {
    out.type = GUIDON_TYPE_BOOLEAN;
    out.boolean = *boolean;
  } else if (const std::string* text = value.AsString()) {
    out.type = GUIDON_TYPE_STRING;
    out.string = TextOf(*text);
  } else if (const std::int64_t* integer = value.AsInteger()) {
    out.type = GUIDON_TYPE_NUMBER;
    out.is_integer = true;
    out.integer = *integer;
    out.number = static_cast<double>(*integer);
  } else if (const double* number = value.AsDouble()) {
    out.type = GUIDON_TYPE_NUMBER;
    out.number = *number;
  } else {
    out.type = GUIDON_TYPE_OBJECT;
  }
}

guidon_evaluation AnswerOf(const Evaluation& evaluation) {
  guidon_evaluation out{};
  out.string = out.json = out.variant = out.flag_key = TextOf({});
  out.reason = static_cast<guidon_reason>(evaluation.reason);
  out.error = static_cast<guidon_evaluation_error>(evaluation.error);
  out.stale = evaluation.stale;
  out.expired = evaluation.expired;
  out.rule_id = TextOf(evaluation.rule_id);
  out.kill_switch = TextOf(evaluation.kill_switch);
  if (evaluation.flag != nullptr) out.flag_key = TextOf(eval::KeyOf(*evaluation.flag));
  if (evaluation.variation != nullptr) FillValue(*evaluation.variation, out);
  return out;
}

guidon_evaluation GeneralError() {
  return AnswerOf({.reason = model::Reason::kError, .error = EvaluationError::kGeneral});
}

guidon_evaluation Ask(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                      std::int64_t now_ms) noexcept {
  if (snapshot == nullptr || flag_key == nullptr) return GeneralError();
  try {
    return AnswerOf(eval::Evaluate(*snapshot->snapshot, flag_key, OrEmpty(context), TimeOf(now_ms)));
  } catch (const std::exception&) {  // only memory for a list or an expression's text can be missing
    return GeneralError();
  }
}

// Whether the answer is of the type that was asked for; the details say why not.
bool Typed(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context, guidon_type type,
           guidon_evaluation& answer, guidon_evaluation* details) noexcept {
  answer = Ask(snapshot, flag_key, context, GUIDON_NOW);
  const bool matches = answer.type == type;
  if (!matches && answer.type != GUIDON_TYPE_NONE) {
    answer.reason = GUIDON_REASON_ERROR;
    answer.error = GUIDON_ERROR_TYPE_MISMATCH;
  }
  if (details != nullptr) *details = answer;
  return matches;
}

char* CopyOf(const std::string& text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

}  // namespace
}  // namespace guidon::library

using guidon::library::Ask;
using guidon::library::Typed;

const char* guidon_version(void) { return GUIDON_VERSION; }

const char* guidon_error_message(const guidon_error* error) { return error == nullptr ? "" : error->message.c_str(); }
const char* guidon_error_field(const guidon_error* error) { return error == nullptr ? "" : error->field.c_str(); }
const char* guidon_error_code(const guidon_error* error) { return error == nullptr ? "" : error->code.c_str(); }
void guidon_error_free(guidon_error* error) { delete error; }

guidon_snapshot* guidon_snapshot_load(const char* json, size_t size, guidon_error** error) {
  const std::string_view text(json == nullptr ? "" : json, json == nullptr ? 0 : size);
  return guidon::library::Load<guidon_snapshot>(error, [&] { return guidon::library::Compile(text); });
}
void guidon_snapshot_free(guidon_snapshot* snapshot) { delete snapshot; }

size_t guidon_snapshot_flag_count(const guidon_snapshot* snapshot) {
  return snapshot == nullptr ? 0 : snapshot->snapshot->flag_count();
}
const char* guidon_snapshot_flag_key(const guidon_snapshot* snapshot, size_t index) {
  if (index >= guidon_snapshot_flag_count(snapshot)) return nullptr;
  return guidon::eval::KeyOf(*snapshot->snapshot->flags()[index]).data();
}

guidon_context* guidon_context_load(const char* json, size_t size, guidon_error** error) {
  const std::string_view text(json == nullptr ? "" : json, json == nullptr ? 0 : size);
  return guidon::library::Load<guidon_context>(error, [&] { return guidon::library::ReadContext(text); });
}
void guidon_context_free(guidon_context* context) { delete context; }

// The names are literals.
const char* guidon_reason_name(guidon_reason reason) {
  return guidon::model::NameOf(static_cast<guidon::model::Reason>(reason)).data();
}
const char* guidon_evaluation_error_name(guidon_evaluation_error error) {
  const std::string_view name = guidon::model::NameOf(static_cast<guidon::model::EvaluationError>(error));
  return name.empty() ? "" : name.data();
}

void guidon_evaluate(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                     int64_t now_ms, guidon_evaluation* out) {
  if (out != nullptr) *out = Ask(snapshot, flag_key, context, now_ms);
}

size_t guidon_evaluate_all(const guidon_snapshot* snapshot, const guidon_context* context, int64_t now_ms,
                           guidon_evaluation* out, size_t capacity) {
  if (snapshot == nullptr) return 0;
  try {
    std::vector<guidon::eval::Evaluation> answers;
    const guidon::eval::Snapshot& all = *snapshot->snapshot;
    guidon::eval::EvaluateAll(all, all.flags(), guidon::library::OrEmpty(context), guidon::library::TimeOf(now_ms),
                              answers);
    std::erase_if(answers, [](const auto& one) { return one.error == guidon::model::EvaluationError::kFlagNotFound; });
    for (std::size_t i = 0; i < answers.size() && i < capacity && out != nullptr; ++i)
      out[i] = guidon::library::AnswerOf(answers[i]);
    return answers.size();
  } catch (const std::exception&) {
    return 0;
  }
}

bool guidon_boolean(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context, bool fallback,
                    guidon_evaluation* details) {
  guidon_evaluation answer;
  return Typed(snapshot, flag_key, context, GUIDON_TYPE_BOOLEAN, answer, details) ? answer.boolean : fallback;
}

const char* guidon_string(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                          const char* fallback, guidon_evaluation* details) {
  guidon_evaluation answer;
  return Typed(snapshot, flag_key, context, GUIDON_TYPE_STRING, answer, details) ? answer.string.data : fallback;
}

double guidon_number(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                     double fallback, guidon_evaluation* details) {
  guidon_evaluation answer;
  return Typed(snapshot, flag_key, context, GUIDON_TYPE_NUMBER, answer, details) ? answer.number : fallback;
}

const char* guidon_object(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                          const char* fallback, guidon_evaluation* details) {
  guidon_evaluation answer;
  return Typed(snapshot, flag_key, context, GUIDON_TYPE_OBJECT, answer, details) ? answer.json.data : fallback;
}

char* guidon_explain(const guidon_snapshot* snapshot, const char* flag_key, const guidon_context* context,
                     int64_t now_ms) {
  if (snapshot == nullptr || flag_key == nullptr) return nullptr;
  try {
    guidon::eval::Trace trace;
    const auto evaluation = guidon::eval::Evaluate(*snapshot->snapshot, flag_key, guidon::library::OrEmpty(context),
                                                   guidon::library::TimeOf(now_ms), &trace);
    std::string text;
    guidon::library::AppendExplanation(text, flag_key, evaluation, trace);
    return guidon::library::CopyOf(text);
  } catch (const std::exception&) {
    return nullptr;
  }
}
void guidon_text_free(char* text) { std::free(text); }
