// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include "guidon/base/text.hpp"

namespace guidon::cli {
namespace {

using CodeRange = std::pair<char32_t, char32_t>;

// Unicode 15 East_Asian_Width W and F, merged over unassigned gaps.
constexpr std::array<CodeRange, 26> kWide = {{
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a}, {0x23e9, 0x23ec}, {0x25fd, 0x25fe}, {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x26a1, 0x26a1},   {0x26bd, 0x26be}, {0x2705, 0x2705}, {0x274c, 0x274c}, {0x2753, 0x2755},
    {0x2795, 0x2797},   {0x2e80, 0x303e},   {0x3041, 0x3098}, {0x309b, 0x4dbf}, {0x4e00, 0xa4cf}, {0xa960, 0xa97f},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
    {0x1f680, 0x1f9ff}, {0x20000, 0x3fffd},
}};

// Combining marks, joiners and selectors that take no column of their own.
constexpr std::array<CodeRange, 12> kZeroWidth = {{
    {0x0300, 0x036f},
    {0x0483, 0x0489},
    {0x0591, 0x05bd},
    {0x0610, 0x061a},
    {0x064b, 0x065f},
    {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff},
    {0x200b, 0x200d},
    {0x20d0, 0x20ff},
    {0x3099, 0x309a},
    {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f},
}};

// Characters that change how what follows is shown: not for text that somebody else wrote.
bool IsUnsafe(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

template <std::size_t kSize>
bool IsIn(const std::array<CodeRange, kSize>& ranges, char32_t code) {
  const auto* found = std::ranges::upper_bound(ranges, code, {}, &CodeRange::first);
  return found != ranges.begin() && code <= std::prev(found)->second;
}

std::size_t WidthOf(char32_t code) {
  if (code < 0x300) return 1;
  if (IsIn(kZeroWidth, code)) return 0;
  return IsIn(kWide, code) ? 2 : 1;
}

// Length in bytes of the character that begins at the front of well-formed `text`.
std::size_t LengthOf(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

char32_t Decode(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  switch (character.size()) {
    case 1: return byte(0);
    case 2: return (byte(0) & 0x1fU) << 6U | (byte(1) & 0x3fU);
    case 3: return (byte(0) & 0x0fU) << 12U | (byte(1) & 0x3fU) << 6U | (byte(2) & 0x3fU);
    default: return (byte(0) & 0x07U) << 18U | (byte(1) & 0x3fU) << 12U | (byte(2) & 0x3fU) << 6U | (byte(3) & 0x3fU);
  }
}

// Calls `visit(code, bytes)` for each character; bytes that are not UTF-8 are visited one by one as code 0.
template <class Visit>
void ForEachCharacter(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = LengthOf(static_cast<unsigned char>(text[at]));
    const std::string_view character = text.substr(at, length);
    if (character.size() == length && base::IsUtf8(character)) {
      visit(Decode(character), character);
      at += length;
    } else {
      visit(char32_t{0}, text.substr(at, 1));
      ++at;
    }
  }
}

std::string_view SequenceOf(Style style) {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kBold: return "\x1b[1m";
    case Style::kDim: return "\x1b[2m";
    case Style::kRed: return "\x1b[31m";
    case Style::kGreen: return "\x1b[32m";
    case Style::kYellow: return "\x1b[33m";
    case Style::kCyan: return "\x1b[36m";
  }
  return "";
}

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

std::string_view MessageLocale() {
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"})
    if (IsSet(variable)) return std::getenv(variable);
  return "";
}

void AppendPadded(std::string& line, const Cell& cell, std::size_t width, bool colour) {
  line += Styled(cell.text, cell.style, colour);
  const std::size_t used = DisplayWidth(cell.text);
  if (used < width) line.append(width - used, ' ');
}

}  // namespace

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  ForEachCharacter(text, [&](char32_t code, std::string_view) { width += WidthOf(code); });
  return width;
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  ForEachCharacter(text, [&](char32_t code, std::string_view bytes) {
    if (bytes == "\n" || bytes == "\t") {
      out += ' ';
    } else if (IsUnsafe(code)) {
      out += '?';
    } else {
      out += bytes;
    }
  });
  return out;
}

std::string Shorten(std::string_view text, std::size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  std::string out;
  std::size_t used = 0;
  bool full = width == 0;
  ForEachCharacter(text, [&](char32_t code, std::string_view bytes) {
    const std::size_t next = WidthOf(code);
    if (full || used + next + 1 > width) {
      full = true;
      return;
    }
    used += next;
    out += bytes;
  });
  return width == 0 ? out : out + "…";
}

Terminal Terminal::Detect() {
  Terminal terminal;
  terminal.input = isatty(STDIN_FILENO) == 1;
  terminal.output = isatty(STDOUT_FILENO) == 1;
  terminal.error = isatty(STDERR_FILENO) == 1;
  const char* kind = std::getenv("TERM");
  const bool wanted = !IsSet("NO_COLOR") && (kind == nullptr || std::string_view(kind) != "dumb");
  terminal.colour = terminal.output && wanted;
  terminal.colour_error = terminal.error && wanted;
  terminal.japanese = MessageLocale().starts_with("ja");
  winsize size = {};
  if (terminal.output && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) terminal.columns = size.ws_col;
  return terminal;
}

std::string Styled(std::string_view text, Style style, bool colour) {
  if (!colour || style == Style::kPlain || text.empty()) return std::string(text);
  return std::string(SequenceOf(style)) + std::string(text) + "\x1b[0m";
}

std::string TextTable::Render(bool colour, std::size_t columns) const {
  std::vector<std::size_t> widths;
  for (const auto& header : headers_) widths.push_back(DisplayWidth(header));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i].text));

  std::string out;
  const auto append = [&](const std::vector<Cell>& row) {
    std::string line;
    std::size_t used = 0;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      AppendPadded(line, row[i], widths[i] + 2, colour);
      used += widths[i] + 2;
    }
    if (!row.empty()) {
      // A last column cut to nearly nothing says less than one that wraps.
      constexpr std::size_t kLastColumnMin = 12;
      const bool cut = columns > used + kLastColumnMin;
      line += Styled(cut ? Shorten(row.back().text, columns - used) : row.back().text, row.back().style, colour);
    }
    if (!colour) line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };

  std::vector<Cell> head;
  for (const auto& header : headers_) head.emplace_back(header, Style::kBold);
  append(head);
  for (const auto& row : rows_) append(row);
  return out;
}

void FieldList::Add(std::string_view name, std::string_view value, Style style) {
  Field field{.name = std::string(name), .lines = {}};
  for (std::size_t at = 0; at <= value.size();) {
    const std::size_t end = std::min(value.find('\n', at), value.size());
    field.lines.emplace_back(value.substr(at, end - at), style);
    at = end + 1;
  }
  fields_.push_back(std::move(field));
}

std::string FieldList::Render(bool colour) const {
  std::size_t width = 0;
  for (const auto& field : fields_) width = std::max(width, DisplayWidth(field.name));
  std::string out;
  for (const auto& field : fields_) {
    bool first = true;
    for (const auto& line : field.lines) {
      AppendPadded(out, Cell(first ? field.name : "", Style::kDim), width + 2, colour);
      out += Styled(line.text, line.style, colour) + "\n";
      first = false;
    }
  }
  return out;
}

}  // namespace guidon::cli
