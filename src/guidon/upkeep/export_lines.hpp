// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/attribute.hpp"
#include "guidon/upkeep/checksum.hpp"

// The lines of an export's file. Not for other modules.
namespace guidon::upkeep {

struct ExportHeader {
  std::string source;
  base::Timestamp started_at;
};
// One line each, with its end.
std::string HeaderLine(const ExportHeader& header);
std::string ItemLine(const store::Item& item);
std::string EndLine(const Sums& sums);

struct ExportEnd {
  Sums sums;
};
using ExportLine = std::variant<ExportHeader, store::Item, ExportEnd>;

// Reads an export line by line. Not thread-safe; does not own the stream.
class ExportReader {
 public:
  explicit ExportReader(std::istream& in) : in_(in) {}
  // Nothing at the end. Errors: kMalformed and kUnsupported, naming the line.
  base::Result<std::optional<ExportLine>> Next();
  std::uint64_t line() const { return line_; }       // of the last one, from 1
  const std::string& text() const { return text_; }  // of the last one

 private:
  std::istream& in_;
  std::string text_;
  std::uint64_t line_ = 0;
};

}  // namespace guidon::upkeep
