// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/sse_parser.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guidon::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Parsed {
 public:
  explicit Parsed(std::string_view bytes, std::size_t piece = 0)
      : parser([this](const SseEvent& event) { events.push_back(event.type + '|' + event.id + '|' + event.data); }) {
    while (!bytes.empty() && good) {
      const std::size_t size = piece == 0 ? bytes.size() : std::min(piece, bytes.size());
      good = parser.Feed(bytes.substr(0, size));
      bytes.remove_prefix(size);
    }
  }
  std::vector<std::string> events;
  SseParser parser;
  bool good = true;
};

constexpr std::string_view kStream =
    "\xef\xbb\xbfretry: 1500\n\n"
    ": a comment\n\n"
    "id: 7\nevent: message\ndata: one\n\n"
    "data:two\rdata:  three\r\n\r\n"
    "event: other\nid\ndata\n\n"
    "id: 8\n\n"
    "unknown: x\nretry: 12x\ndata: last\n\n"
    "data: not ended\n";

TEST(SseParser, TakesEventsAsTheStandardSays) {
  const Parsed parsed(kStream);
  EXPECT_TRUE(parsed.good);
  EXPECT_THAT(parsed.events, ElementsAre("message|7|one", "message|7|two\n three", "other||", "message|8|last"));
  EXPECT_EQ(parsed.parser.retry(), std::chrono::milliseconds(1500));
}

TEST(SseParser, TakesTheSameFromPiecesOfAnySize) {
  const Parsed whole(kStream);
  for (std::size_t piece = 1; piece < kStream.size(); ++piece) EXPECT_EQ(Parsed(kStream, piece).events, whole.events);
}

TEST(SseParser, IgnoresIdsWithNul) {
  EXPECT_THAT(Parsed(std::string("id: a\0b\ndata: x\n\n", 17)).events, ElementsAre("message||x"));
}

TEST(SseParser, GivesUpWhatIsTooLong) {
  EXPECT_FALSE(Parsed(std::string(kSseEventBytesMax + 1, 'x')).good);
  std::string data;
  for (int i = 0; i < 20; ++i) data += "data: " + std::string(kSseEventBytesMax / 16, 'x') + '\n';
  const Parsed parsed(data + '\n');
  EXPECT_FALSE(parsed.good);
  EXPECT_THAT(parsed.events, IsEmpty());
}

TEST(SseParser, TakesNoRetryThatIsNoTime) {
  EXPECT_EQ(Parsed("retry: -5\nretry: 99999999999999999999\nretry:\n\n").parser.retry(), std::nullopt);
}

}  // namespace
}  // namespace guidon::client
