// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/api_http/exchange.hpp"
#include "guidon/api_http/problem.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/model/context.hpp"

// Evaluation over HTTP: what the routes share. Nothing here blocks.
namespace guidon::api_http {

int EvaluateOne(Exchange& exchange, std::string& out);    // POST /ofrep/v1/evaluate/flags/{key}
int EvaluateAll(Exchange& exchange, std::string& out);    // POST /ofrep/v1/evaluate/flags
int EvaluateSmall(Exchange& exchange, std::string& out);  // POST /api/evaluate

// Evaluates every flag that the credential may see into exchange.io.evaluations, without those that are not there for
// the context; counts them.
void EvaluateVisible(Exchange& exchange, const eval::Snapshot& snapshot, const model::Context& context);
// Counts the evaluation of one flag.
void NoteEvaluation(Exchange& exchange, const model::Context& context, const eval::Evaluation& evaluation);
// A header with the snapshot's age, while the node is out of touch with its store.
void WriteSnapshotAge(const Exchange& exchange, AnswerWriter& writer);

// A sentence for `errorDetails`.
std::string_view DetailsOf(model::EvaluationError error);

// Makes `context` that of `tenant`, or says why it cannot be (it names another one).
std::optional<Problem> BindTenant(const Gate& gate, const app::RequestInfo& request, std::string_view environment,
                                  model::Context& context);

// Over what a client gets to see of each evaluation and nothing else: equal answers have equal tags on every node, and
// changes that are another tenant's business do not show. Much cheaper than the answer.
class EvaluationTag {
 public:
  explicit EvaluationTag(std::string_view environment);
  void Add(const eval::Evaluation& evaluation);
  // In which the answer's stream URL was issued.
  void AddWindow(std::int64_t window);
  // With the quotes of an entity tag.
  std::string Text() const;

 private:
  std::uint64_t a_ = 0x9e3779b97f4a7c15;
  std::uint64_t b_ = 0xc2b2ae3d27d4eb4f;
};

}  // namespace guidon::api_http
