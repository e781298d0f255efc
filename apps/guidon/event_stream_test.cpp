// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/event_stream.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guidon::cli {
namespace {

using ::testing::ElementsAre;

class EventStreamTest : public ::testing::Test {
 protected:
  std::vector<std::string> events;
  std::size_t wanted = 100;
  EventStreamParser parser{[this](const StreamEvent& event) {
    events.push_back(event.type + "|" + event.data);
    return events.size() < wanted;
  }};
};

constexpr std::string_view kStream =
    "retry: 2500\n\n:\n\nid: 1\nevent: node\ndata: {\"a\":1}\n\ndata: one\r\ndata:two\r\nid: 2\r\n\r\nevent: x\n\n";

TEST_F(EventStreamTest, ReadsEventsInPiecesOfAnySize) {
  for (std::size_t size = 1; size < kStream.size(); ++size) {
    events.clear();
    for (std::size_t at = 0; at < kStream.size(); at += size) EXPECT_TRUE(parser.Feed(kStream.substr(at, size)));
    EXPECT_THAT(events, ElementsAre("node|{\"a\":1}", "message|one\ntwo")) << size;
    EXPECT_EQ(parser.last_event_id(), "2");
    EXPECT_EQ(parser.retry(), std::chrono::milliseconds(2500));
  }
}

TEST_F(EventStreamTest, StopsWhenEnoughCame) {
  wanted = 1;
  EXPECT_FALSE(parser.Feed(kStream));
  EXPECT_EQ(events.size(), 1U);
}

TEST_F(EventStreamTest, WhatACutConnectionBeganIsDropped) {
  EXPECT_TRUE(parser.Feed("id: 7\ndata: whole\n\nid: 8\ndata: ha"));
  parser.Restart();
  EXPECT_EQ(parser.last_event_id(), "7");
  EXPECT_TRUE(parser.Feed("data: next\n\n"));
  EXPECT_THAT(events, ElementsAre("message|whole", "message|next"));
  EXPECT_EQ(parser.last_event_id(), "7");
}

TEST_F(EventStreamTest, AnEndlessLineEnds) {
  const std::string piece(1024 * 1024, 'x');
  EXPECT_TRUE(parser.Feed("data: "));
  bool goes_on = true;
  for (int i = 0; i < 8 && goes_on; ++i) goes_on = parser.Feed(piece);
  EXPECT_FALSE(goes_on);
}

TEST_F(EventStreamTest, NonsenseIsIgnored) {
  EXPECT_TRUE(parser.Feed("retry: soon\nnothing\nunknown: field\n\ndata\n\n"));
  EXPECT_FALSE(parser.retry());
  EXPECT_THAT(events, ElementsAre("message|"));
}

}  // namespace
}  // namespace guidon::cli
