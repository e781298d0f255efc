// SPDX-License-Identifier: Apache-2.0
// The C interface as a program uses it: a definitions document, a zero byte, a context. Nothing may crash or leak; what
// is refused says why; every flag that is there has an answer, the same alone, in bulk and explained.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "guidon/json/json.hpp"
#include "guidon/library/guidon.h"

namespace {

constexpr std::int64_t kNow = 1'795'000'000'000;  // a day in 2026
constexpr std::size_t kFlagsExplained = 20;

void Require(bool holds) {
  if (!holds) std::abort();
}

struct Free {
  void operator()(guidon_snapshot* snapshot) const { guidon_snapshot_free(snapshot); }
  void operator()(guidon_context* context) const { guidon_context_free(context); }
  void operator()(guidon_error* error) const { guidon_error_free(error); }
  void operator()(char* text) const { guidon_text_free(text); }
};
template <class Handle>
using Owned = std::unique_ptr<Handle, Free>;

// What was not loaded says why.
template <class Handle>
void CheckLoaded(const Owned<Handle>& handle, guidon_error* raw) {
  const Owned<guidon_error> error(raw);
  Require((handle == nullptr) == (error != nullptr));
  if (error == nullptr) return;
  Require(std::strlen(guidon_error_message(error.get())) > 0 && std::strlen(guidon_error_code(error.get())) > 0);
  Require(guidon_error_field(error.get()) != nullptr);
}

void CheckAnswer(const guidon_evaluation& answer) {
  Require((answer.error != GUIDON_ERROR_NONE) == (answer.reason == GUIDON_REASON_ERROR));
  Require(std::strlen(guidon_reason_name(answer.reason)) > 0);
  for (const guidon_text& text :
       {answer.string, answer.json, answer.variant, answer.flag_key, answer.rule_id, answer.kill_switch})
    if (text.data != nullptr) Require(text.data[text.size] == '\0');
  if (answer.type != GUIDON_TYPE_NONE) Require(answer.json.size > 0 && answer.variant.size > 0);
}

void CheckFlag(const guidon_snapshot* snapshot, const char* key, const guidon_context* context) {
  guidon_evaluation answer;
  guidon_evaluate(snapshot, key, context, kNow, &answer);
  CheckAnswer(answer);
  guidon_evaluation details;
  guidon_boolean(snapshot, key, context, false, &details);
  Require(guidon_string(snapshot, key, context, "", &details) != nullptr);
  guidon_number(snapshot, key, context, 0, &details);
  Require(guidon_object(snapshot, key, context, "{}", &details) != nullptr);
  const Owned<char> explanation(guidon_explain(snapshot, key, context, kNow));
  Require(explanation != nullptr && guidon::json::Parse(explanation.get(), {.bytes_max = 1UL << 30U}).has_value());
}

void Check(std::string_view text) {
  const std::size_t split = std::min(text.find('\0'), text.size());
  const std::string_view definitions = text.substr(0, split);
  const std::string_view attributes = text.substr(std::min(split + 1, text.size()));
  guidon_error* error = nullptr;
  const Owned<guidon_context> context(guidon_context_load(attributes.data(), attributes.size(), &error));
  CheckLoaded(context, error);
  error = nullptr;
  const Owned<guidon_snapshot> snapshot(guidon_snapshot_load(definitions.data(), definitions.size(), &error));
  CheckLoaded(snapshot, error);
  if (snapshot == nullptr) return;
  const std::size_t count = guidon_snapshot_flag_count(snapshot.get());
  std::vector<guidon_evaluation> answers(count + 1);
  const std::size_t found = guidon_evaluate_all(snapshot.get(), context.get(), kNow, answers.data(), count);
  Require(found <= count);
  for (std::size_t i = 0; i < found; ++i) {
    CheckAnswer(answers[i]);
    guidon_evaluation alone;
    guidon_evaluate(snapshot.get(), answers[i].flag_key.data, context.get(), kNow, &alone);
    Require(alone.type == answers[i].type && alone.reason == answers[i].reason && alone.error == answers[i].error);
    Require(alone.variant.data == answers[i].variant.data);
  }
  for (std::size_t i = 0; i < count && i < kFlagsExplained; ++i)
    CheckFlag(snapshot.get(), guidon_snapshot_flag_key(snapshot.get(), i), context.get());
  Require(guidon_snapshot_flag_key(snapshot.get(), count) == nullptr);
  CheckFlag(snapshot.get(), "no such flag", nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Check(std::string_view(reinterpret_cast<const char*>(data), size));  // NOLINT
  return 0;
}
