// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/lint_file.hpp"

#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/json/json.hpp"

namespace guidon::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const base::Timestamp kNow = *base::ParseTimestamp("2026-11-22T12:00:00Z");

// "flag code field" of each finding; "flag -" where there is none.
std::vector<std::string> Lint(std::string_view text) {
  const auto document = json::Parse(text);
  EXPECT_TRUE(document) << text;
  const auto linted = LintDocument(*document, "staging", kNow);
  if (!linted) return {"refused: " + linted.error().what};
  std::vector<std::string> brief;
  for (const LintedFlag& one : *linted) {
    if (one.findings.empty()) brief.push_back(one.flag_key + " -");
    for (const eval::Finding& finding : one.findings)
      brief.push_back(one.flag_key + " " + std::string(finding.code) + " " + finding.field);
  }
  return brief;
}

TEST(LintDocument, TakesOneFlagOrSeveral) {
  EXPECT_THAT(Lint(R"({"flagKey":"a","owner":"o"})"), ElementsAre("a -"));
  EXPECT_THAT(Lint(R"([{"flagKey":"a","owner":"o"},{"flagKey":"b","owner":"o","rolloutSalt":"s"}])"),
              ElementsAre("a -", "b saltWithoutSplit rolloutSalt"));
  EXPECT_THAT(Lint(R"({"items":[{"flagKey":"a","owner":"o","environment":"production","warnings":[]}]})"),
              ElementsAre("a -"));
  EXPECT_THAT(Lint("[]"), IsEmpty());
}

TEST(LintDocument, ReportsWhatIsNotAFlagAndGoesOn) {
  EXPECT_THAT(Lint(R"([{"flagKey":"a","owner":"o","colour":1},{"owner":"o"},
                       {"flagKey":"c","owner":"o","defaultVariation":"x"},{"flagKey":"d","owner":"o","bucketBy":"x"}])"),
              ElementsAre("a invalid colour", "? invalid flagKey", "c invalid defaultVariation",
                          "d bucketByWithoutSplit bucketBy"));
}

TEST(LintDocument, KnowsTheSurroundingsOnlyOfAWholeEnvironment) {
  const std::string flags = R"([{"flagKey":"a","owner":"o","prerequisites":[{"flagKey":"b","variations":["on"]}],
    "targetingRules":[{"id":"r","when":{"any":[{"operator":"inSegment","values":["s","t"]}]},"variation":"on"}]}])";
  EXPECT_THAT(Lint(flags), ElementsAre("a -"));
  EXPECT_THAT(Lint(R"({"segments":[{"segmentKey":"s","included":["u"]}],"flags":)" + flags + "}"),
              ElementsAre("a unknownPrerequisite prerequisites[0].flagKey",
                          "a unknownSegment targetingRules[0].when.any[0].values[1]"));
}

TEST(LintPage, ExplainsEachCode) {
  std::ifstream page("docs/reference/lint.md");
  std::set<std::string> explained;
  for (std::string line; std::getline(page, line);)
    if (line.starts_with("| `")) explained.insert(line.substr(3, line.find('`', 3) - 3));
  std::set<std::string> codes = {"invalid"};
  for (const std::string_view code : eval::FindingCodes()) codes.emplace(code);
  EXPECT_EQ(explained, codes);
}

TEST(LintDocument, RefusesWhatHoldsNoFlags) {
  EXPECT_THAT(Lint("5"), ElementsAre("refused: The file holds no flags"));
  EXPECT_THAT(Lint(R"({"flag":{}})"), ElementsAre("refused: The file holds no flags"));
  EXPECT_THAT(Lint(R"({"flags":[],"segments":[{"segmentKey":"s","when":{"all":[]}}]})"),
              ElementsAre("refused: Cannot read segment s"));
}

}  // namespace
}  // namespace guidon::cli
