// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace guidon::cli {

// Columns that `text` takes on a terminal: East Asian wide characters take two, combining marks none.
std::size_t DisplayWidth(std::string_view text);

// `text` with everything removed that could drive a terminal (escape sequences, control characters, direction
// overrides) or is not UTF-8; line ends become a space.
std::string Printable(std::string_view text);

// `text` cut to at most `width` columns, with "…" where something was cut.
std::string Shorten(std::string_view text, std::size_t width);

// What is at the other end of the standard streams.
struct Terminal {
  bool input = false;   // standard input is a terminal
  bool output = false;  // standard output is one
  bool error = false;   // standard error is one
  bool colour = false;  // of standard output: a terminal, without NO_COLOR and TERM=dumb
  bool colour_error = false;
  bool japanese = false;    // LC_ALL, LC_MESSAGES or LANG (the first that is set) begins with "ja"
  std::size_t columns = 0;  // 0 = unlimited (a pipe)
  static Terminal Detect();
};

enum class Style { kPlain, kBold, kDim, kRed, kGreen, kYellow, kCyan };
std::string Styled(std::string_view text, Style style, bool colour);

struct Cell {
  Cell(std::string_view cell_text, Style cell_style = Style::kPlain)  // NOLINT(google-explicit-constructor)
      : text(Printable(cell_text)), style(cell_style) {}
  Cell(const std::string& cell_text) : Cell(std::string_view(cell_text)) {}  // NOLINT(google-explicit-constructor)
  Cell(const char* cell_text) : Cell(std::string_view(cell_text)) {}         // NOLINT(google-explicit-constructor)
  std::string text;
  Style style;
};

// Rows under headers, aligned by display width, two spaces between columns, nothing after the last one.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> headers) : headers_(std::move(headers)) {}
  void Add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  // `columns`: the terminal's width, to which the last column is cut; 0 = as wide as it comes.
  std::string Render(bool colour, std::size_t columns) const;

 private:
  std::vector<std::string> headers_;
  std::vector<std::vector<Cell>> rows_;
};

// "name   value" lines, aligned, for one entity. Values may have several lines.
class FieldList {
 public:
  void Add(std::string_view name, std::string_view value, Style style = Style::kPlain);
  std::string Render(bool colour) const;

 private:
  struct Field {
    std::string name;
    std::vector<Cell> lines;
  };
  std::vector<Field> fields_;
};

}  // namespace guidon::cli
