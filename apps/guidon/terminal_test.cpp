// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/terminal.hpp"

#include <gtest/gtest.h>

namespace guidon::cli {
namespace {

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("たぬき書房"), 10U);
  EXPECT_EQ(DisplayWidth("ｶﾅ"), 2U);              // half-width forms
  EXPECT_EQ(DisplayWidth("ＡＢ"), 4U);            // full-width forms
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1U);       // combining acute
  EXPECT_EQ(DisplayWidth("か\xe3\x82\x99"), 2U);  // combining voiced sound mark
  EXPECT_EQ(DisplayWidth("🚀"), 2U);
  EXPECT_EQ(DisplayWidth("é"), 1U);
}

TEST(Printable, TakesAwayWhatDrivesATerminal) {
  EXPECT_EQ(Printable("a\x1b[31mb"), "a?[31mb");
  EXPECT_EQ(Printable("a\nb\tc"), "a b c");
  EXPECT_EQ(Printable("a\xff"
                      "b"),
            "a?b");
  EXPECT_EQ(Printable("a\xe3\x81"), "a??");  // cut in the middle of a character
  EXPECT_EQ(Printable("a\xe2\x80\xae"
                      "b"),
            "a?b");  // right-to-left override
  EXPECT_EQ(Printable("a\xc2\x9b"
                      "31m"),
            "a?31m");  // C1 control sequence introducer
  EXPECT_EQ(Printable("たぬき"), "たぬき");
}

TEST(Shorten, CutsAtCharacters) {
  EXPECT_EQ(Shorten("abcdef", 6), "abcdef");
  EXPECT_EQ(Shorten("abcdef", 4), "abc…");
  EXPECT_EQ(Shorten("たぬき書房", 6), "たぬ…");
  EXPECT_EQ(Shorten("abc", 0), "");
}

TEST(TextTable, AlignsByDisplayWidth) {
  TextTable table({"ID", "NAME", "PLAN"});
  table.Add({"tanuki", "たぬき書房", "pro"});
  table.Add({"acme", "Acme", ""});
  EXPECT_EQ(table.Render(false, 0),
            "ID      NAME        PLAN\n"
            "tanuki  たぬき書房  pro\n"
            "acme    Acme\n");
}

TEST(TextTable, CutsTheLastColumnOnATerminal) {
  TextTable table({"A", "DESCRIPTION"});
  table.Add({"x", "a long text that goes on"});
  EXPECT_EQ(table.Render(false, 18), "A  DESCRIPTION\nx  a long text th…\n");
}

TEST(TextTable, ColoursOnlyWhenAsked) {
  TextTable table({"A"});
  table.Add({{"x", Style::kRed}});
  EXPECT_EQ(table.Render(false, 0).find('\x1b'), std::string::npos);
  EXPECT_EQ(table.Render(true, 0), "\x1b[1mA\x1b[0m\n\x1b[31mx\x1b[0m\n");
}

TEST(FieldList, KeepsLinesUnderTheirName) {
  FieldList list;
  list.Add("rules", "one\ntwo");
  list.Add("プラン", "x");
  EXPECT_EQ(list.Render(false), "rules   one\n        two\nプラン  x\n");
}

}  // namespace
}  // namespace guidon::cli
