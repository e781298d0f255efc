// SPDX-License-Identifier: Apache-2.0
// A client's snapshot file as it is, and the same bytes as the body of one whose length and checksum are right. What is
// read is written as it was read, and evaluates.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "guidon/client/disk_snapshot.hpp"
#include "guidon/eval/evaluator.hpp"

namespace {

using guidon::client::DecodeDiskSnapshot;
using guidon::client::DiskSnapshot;
using guidon::client::EncodeDiskSnapshot;

void Require(bool holds) {
  if (!holds) std::abort();
}

void Check(std::string_view bytes) {
  const auto read = DecodeDiskSnapshot(bytes);
  if (!read) return;
  const std::string again = EncodeDiskSnapshot(*read);
  const auto twice = DecodeDiskSnapshot(again);
  Require(twice.has_value());
  Require(EncodeDiskSnapshot(*twice) == again);
  const auto all = guidon::client::CompileAll(read->texts, nullptr);
  const guidon::model::Context nobody;
  for (const auto& [key, text] : read->texts.flags) {
    const auto one = guidon::client::CompileOne(read->texts, key);
    const auto by_one = guidon::eval::Evaluate(*one, key, nobody, {});
    const auto by_all = guidon::eval::Evaluate(*all, key, nobody, {});
    Require(by_one.reason == by_all.reason && by_one.error == by_all.error);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);  // NOLINT
  Check(bytes);
  Check(guidon::client::WithDiskSnapshotHead(bytes));
  return 0;
}
