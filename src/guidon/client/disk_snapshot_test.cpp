// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/disk_snapshot.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "guidon/base/random.hpp"

namespace guidon::client {
namespace {

using base::ErrorCode;

Texts::Text TextOf(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

DiskSnapshot Example() {
  DiskSnapshot snapshot{.confirmed_at = base::Timestamp{std::chrono::milliseconds(1'771'622'898'123)}};
  snapshot.texts = {.environment = "production",
                    .tenant = "acme",
                    .etag = "\"abc\"",
                    .flags = {{"a", TextOf(R"({"flagKey":"a"})")}, {"b", TextOf("")}},
                    .segments = {{"s", TextOf(R"({"segmentKey":"s"})")}},
                    .broken_flags = {{"x", std::nullopt}, {"y", "acme"}},
                    .broken_segments = {{"z", true}},
                    .overrides = {{"a", {{"acme", "on"}, {"globex", "off"}}}},
                    .kill_switches = {{"global", "why"}}};
  return snapshot;
}

void ExpectSame(const DiskSnapshot& a, const DiskSnapshot& b) {
  EXPECT_EQ(a.confirmed_at, b.confirmed_at);
  EXPECT_EQ(a.texts.environment, b.texts.environment);
  EXPECT_EQ(a.texts.tenant, b.texts.tenant);
  EXPECT_EQ(a.texts.etag, b.texts.etag);
  ASSERT_EQ(a.texts.flags.size(), b.texts.flags.size());
  for (const auto& [key, text] : a.texts.flags) EXPECT_EQ(*text, *b.texts.flags.at(key));
  ASSERT_EQ(a.texts.segments.size(), b.texts.segments.size());
  for (const auto& [key, text] : a.texts.segments) EXPECT_EQ(*text, *b.texts.segments.at(key));
  EXPECT_EQ(a.texts.broken_flags, b.texts.broken_flags);
  EXPECT_EQ(a.texts.broken_segments, b.texts.broken_segments);
  EXPECT_EQ(a.texts.overrides, b.texts.overrides);
  EXPECT_EQ(a.texts.kill_switches, b.texts.kill_switches);
}

TEST(DiskSnapshot, ComesBackAsItWas) {
  const auto read = DecodeDiskSnapshot(EncodeDiskSnapshot(Example()));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  ExpectSame(*read, Example());
}

TEST(DiskSnapshot, CutOffAnywhereIsNotTaken) {
  const std::string bytes = EncodeDiskSnapshot(Example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = DecodeDiskSnapshot(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(read.has_value()) << size;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(DecodeDiskSnapshot(bytes + 'x').has_value());
}

TEST(DiskSnapshot, OneWrongBitAnywhereIsNotTaken) {
  const std::string bytes = EncodeDiskSnapshot(Example());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << bit));
      ASSERT_FALSE(DecodeDiskSnapshot(damaged).has_value()) << at << ' ' << bit;
    }
  }
}

TEST(DiskSnapshot, OfAnotherVersionIsNamed) {
  std::string bytes = EncodeDiskSnapshot(Example());
  bytes[8] = 2;
  EXPECT_EQ(DecodeDiskSnapshot(bytes).error().code, ErrorCode::kUnsupported);
}

class SnapshotFile : public ::testing::Test {
 protected:
  SnapshotFile() { std::filesystem::create_directory(folder_); }
  ~SnapshotFile() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("guidon-snapshot-" + base::RandomId());
};

TEST_F(SnapshotFile, IsReplacedAsAWholeAndLeavesNothingBehind) {
  const std::string path = folder_ / "flags";
  EXPECT_EQ(ReadFileWhole(path).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(WriteFileWhole(path, "one").has_value());
  ASSERT_TRUE(WriteFileWhole(path, std::string("two\0", 4)).has_value());
  EXPECT_EQ(*ReadFileWhole(path), std::string("two\0", 4));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  const auto rights = std::filesystem::status(path).permissions();
  EXPECT_EQ(rights & std::filesystem::perms::others_read, std::filesystem::perms::none);
}

TEST_F(SnapshotFile, ThatCannotBeWrittenIsReported) {
  const auto status = WriteFileWhole(folder_ / "missing" / "flags", "x");
  ASSERT_FALSE(status.has_value());
  EXPECT_NE(status.error().message.find("missing/flags"), std::string::npos);
  std::filesystem::create_directory(folder_ / "taken");
  EXPECT_FALSE(WriteFileWhole(folder_ / "taken", "x").has_value());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

}  // namespace
}  // namespace guidon::client
