// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

#include "guidon/eval/compiled_flag.hpp"
#include "guidon/eval/snapshot.hpp"

namespace guidon::eval {
namespace {

// Depth-first search with its own stack: a chain may be as long as there are flags.
class CycleSearch {
 public:
  CycleSearch(const Snapshot& snapshot, const model::Flag& candidate) : snapshot_(snapshot), candidate_(candidate) {}

  std::vector<std::string> Run() {
    Enter(candidate_->flag_key);
    while (!path_.empty()) {
      Step& step = path_.back();
      if (step.next == step.prerequisites.size()) {
        on_path_.erase(step.flag_key);
        path_.pop_back();
        continue;
      }
      const std::string flag_key = step.prerequisites[step.next++];
      if (on_path_.contains(flag_key)) return CycleFrom(flag_key);
      if (!visited_.contains(flag_key)) Enter(flag_key);
    }
    return {};
  }

 private:
  struct Step {
    std::string flag_key;
    std::vector<std::string> prerequisites;
    std::size_t next = 0;
  };

  void Enter(const std::string& flag_key) {
    visited_.insert(flag_key);
    on_path_.insert(flag_key);
    path_.push_back({.flag_key = flag_key, .prerequisites = PrerequisitesOf(flag_key)});
  }

  std::vector<std::string> PrerequisitesOf(const std::string& flag_key) const {
    std::vector<std::string> keys;
    if (flag_key == candidate_->flag_key) {
      for (const model::Prerequisite& one : candidate_->prerequisites) keys.push_back(one.flag_key);
    } else if (const CompiledFlag* flag = snapshot_.Find(flag_key)) {
      for (const CompiledPrerequisite& one : flag->body().prerequisites) keys.push_back(one.flag_key);
    }
    return keys;
  }

  std::vector<std::string> CycleFrom(const std::string& flag_key) const {
    const auto start = std::ranges::find(path_, flag_key, &Step::flag_key);
    std::vector<std::string> keys;
    std::transform(start, path_.end(), std::back_inserter(keys), [](const Step& step) { return step.flag_key; });
    return keys;
  }

  const Snapshot& snapshot_;
  const model::Flag& candidate_;
  std::vector<Step> path_;
  std::unordered_set<std::string> on_path_;
  std::unordered_set<std::string> visited_;
};

}  // namespace

std::vector<std::string> FindPrerequisiteCycle(const Snapshot& snapshot, const model::Flag& candidate) {
  return CycleSearch(snapshot, candidate).Run();
}

}  // namespace guidon::eval
