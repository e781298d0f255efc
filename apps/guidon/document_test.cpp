// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/document.hpp"

#include <gtest/gtest.h>

namespace guidon::cli {
namespace {

using model::List;
using model::Object;
using model::Value;

Value Sample() {
  Object inner;
  inner.Set("list", List{1, "on", List{true, Value()}});
  inner.Set("empty", List{});
  Object outer;
  outer.Set("on", std::move(inner));
  outer.Set("text", "a: b");
  return outer;
}

TEST(ToPrettyJson, IndentsByTwo) {
  EXPECT_EQ(ToPrettyJson(Sample()), R"({
  "on": {
    "empty": [],
    "list": [
      1,
      "on",
      [
        true,
        null
      ]
    ]
  },
  "text": "a: b"
}
)");
}

TEST(ToYaml, QuotesWhatCouldBeTakenForSomethingElse) {
  EXPECT_EQ(ToYaml(Sample()), R"("on":
  empty: []
  list:
    - 1
    - "on"
    - - true
      - null
text: "a: b"
)");
}

TEST(ToYaml, ScalarsStayWhatTheyAre) {
  const auto scalar = [](const Value& value) { return ToYaml(value); };
  EXPECT_EQ(scalar("plain-text_1.0/x"), "plain-text_1.0/x\n");
  EXPECT_EQ(scalar("No"), "\"No\"\n");
  EXPECT_EQ(scalar(""), "\"\"\n");
  EXPECT_EQ(scalar("1e5"), "\"1e5\"\n");
  EXPECT_EQ(scalar("2026-11-23"), "\"2026-11-23\"\n");
  EXPECT_EQ(scalar("たぬき"), "\"たぬき\"\n");
  EXPECT_EQ(scalar("a\x7f\xc2\x85"), "\"a\\x7f\\x85\"\n");
  EXPECT_EQ(scalar("\xe2\x80\xa8\xef\xbb\xbf"), "\"\\u2028\\ufeff\"\n");
  EXPECT_EQ(scalar(1e100), "1.0e+100\n");
  EXPECT_EQ(scalar(-2.5), "-2.5\n");
}

TEST(At, FollowsPaths) {
  const Value document = Sample();
  EXPECT_EQ(TextAt(document, "text"), "a: b");
  EXPECT_EQ(TextAt(document, "on.empty"), "[]");
  EXPECT_EQ(TextAt(document, "on.nothing", "none"), "none");
  EXPECT_EQ(At(document, "text.deeper"), nullptr);
}

TEST(At, NumbersAndListsThatAreNotThereAreNothing) {
  Object counts;
  counts.Set("some", 7);
  counts.Set("names", List{"a", "b"});
  Object outer;
  outer.Set("counts", std::move(counts));
  const Value document(std::move(outer));
  EXPECT_EQ(NumberAt(document, "counts.some"), 7);
  EXPECT_EQ(NumberAt(document, "counts.none"), 0);
  EXPECT_EQ(NumberAt(document, "counts.names"), 0);
  EXPECT_EQ(ListAt(document, "counts.names").size(), 2U);
  EXPECT_TRUE(ListAt(document, "counts.some").empty());
  EXPECT_TRUE(ListAt(document, "missing").empty());
}

}  // namespace
}  // namespace guidon::cli
