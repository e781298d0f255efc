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
  std::vector<std::string> events_;
  std::size_t wanted_ = 100;
  EventStreamParser parser_{[this](const StreamEvent& event) {
    events_.push_back(event.type + "|" + event.data);
    return events_.size() < wanted_;
  }};
};

constexpr std::string_view kStream =
    "retry: 2500\n\n:\n\nid: 1\nevent: node\ndata: {\"a\":1}\n\ndata: one\r\ndata:two\r\nid: 2\r\n\r\nevent: x\n\n";

TEST_F(EventStreamTest, ReadsEventsInPiecesOfAnySize) {
  for (std::size_t size = 1; size < kStream.size(); ++size) {
    events_.clear();
    for (std::size_t at = 0; at < kStream.size(); at += size) EXPECT_TRUE(parser_.Feed(kStream.substr(at, size)));
    EXPECT_THAT(events_, ElementsAre("node|{\"a\":1}", "message|one\ntwo")) << size;
    EXPECT_EQ(parser_.last_event_id(), "2");
    EXPECT_EQ(parser_.retry(), std::chrono::milliseconds(2500));
  }
}

TEST_F(EventStreamTest, StopsWhenEnoughCame) {
  wanted_ = 1;
  EXPECT_FALSE(parser_.Feed(kStream));
  EXPECT_EQ(events_.size(), 1U);
}

TEST_F(EventStreamTest, WhatACutConnectionBeganIsDropped) {
  EXPECT_TRUE(parser_.Feed("id: 7\ndata: whole\n\nid: 8\ndata: ha"));
  parser_.Restart();
  EXPECT_EQ(parser_.last_event_id(), "7");
  EXPECT_TRUE(parser_.Feed("data: next\n\n"));
  EXPECT_THAT(events_, ElementsAre("message|whole", "message|next"));
  EXPECT_EQ(parser_.last_event_id(), "7");
}

TEST_F(EventStreamTest, AnEndlessLineEnds) {
  const std::string piece(1024UL * 1024, 'x');
  EXPECT_TRUE(parser_.Feed("data: "));
  bool goes_on = true;
  for (int i = 0; i < 8 && goes_on; ++i) goes_on = parser_.Feed(piece);
  EXPECT_FALSE(goes_on);
}

TEST_F(EventStreamTest, NonsenseIsIgnored) {
  EXPECT_TRUE(parser_.Feed("retry: soon\nnothing\nunknown: field\n\ndata\n\n"));
  EXPECT_FALSE(parser_.retry());
  EXPECT_THAT(events_, ElementsAre("message|"));
}

}  // namespace
}  // namespace guidon::cli
