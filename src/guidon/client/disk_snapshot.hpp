// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/client/texts.hpp"

// The file that a client starts from when no server answers.
//
//   "GDNSNAP\n"  version (4 bytes)  length of the body (8)  checksum of the body (8)  body
//
// All numbers little-endian. Texts in the body have their length (4) before them, lists their number of items (4):
// environment, tenant, entity tag, milliseconds since 1970 when the server last confirmed it (8); flags and segments as
// pairs of key and JSON; broken flags as key, whether there is a tenant (1), tenant; broken segments; overrides as
// flag, tenant, variation; kill switches as scope, reason.
namespace guidon::client {

inline constexpr std::uint32_t kDiskSnapshotVersion = 1;
inline constexpr std::size_t kDiskSnapshotBytesMax = 512UL * 1024 * 1024;

struct DiskSnapshot {
  Texts texts = {};
  base::Timestamp confirmed_at = {};
};

std::string EncodeDiskSnapshot(const DiskSnapshot& snapshot);
// A file with this body, whatever it is.
std::string WithDiskSnapshotHead(std::string_view body);
// Errors: kCorrupt (damaged, cut off), kUnsupported (of a newer version).
base::Result<DiskSnapshot> DecodeDiskSnapshot(std::string_view bytes);

// The whole file, or what was there before: written beside it, flushed, and renamed. Errors: kUnavailable.
base::Status WriteFileWhole(const std::string& path, std::string_view bytes);
// Errors: kNotFound, kTooLarge, kUnavailable.
base::Result<std::string> ReadFileWhole(const std::string& path);

}  // namespace guidon::client
