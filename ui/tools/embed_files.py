# SPDX-License-Identifier: Apache-2.0
"""Puts the files of a folder into a C++ source: embed_files.py FOLDER|--none OUT.cpp"""
import gzip
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
BYTES_PER_LINE = 2000
# What compression saves must be worth a header.
SAVING_MIN = 0.9


def literal(name, data):
    lines = []
    for start in range(0, len(data), BYTES_PER_LINE):
        piece = data[start : start + BYTES_PER_LINE]
        # Three octal digits never run into what follows.
        lines.append('    "' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in piece) + '"')
    body = "\n".join(lines) or '    ""'
    return f"constexpr std::string_view {name}(\n{body},\n    {len(data)});\n"


folder, out = sys.argv[1:]
definitions, rows = [], []
if folder != "--none":
    for number, path in enumerate(sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file())):
        data = path.read_bytes()
        packed = gzip.compress(data, 9, mtime=0)
        definitions.append(literal(f"kFile{number}", data))
        if path.suffix == ".html" or len(packed) > len(data) * SAVING_MIN:
            packed_name = "{}"
        else:
            packed_name = f"kPacked{number}"
            definitions.append(literal(packed_name, packed))
        web_path = "/" + path.relative_to(folder).as_posix()
        rows.append(f'    {{"{web_path}", "{TYPES[path.suffix]}", kFile{number}, {packed_name}}},\n')

text = (
    "// Made from the admin UI; do not edit.\n"
    '#pragma clang diagnostic ignored "-Woverlength-strings"\n'
    '#include "ui/ui_files.hpp"\n\n'
    "#include <string_view>\n#include <vector>\n\n"
    "namespace guidon::ui {\nnamespace {\n\n" + "\n".join(definitions) + "\n}  // namespace\n\n"
    "std::span<const api_http::StaticFile> Files() {\n"
)
if rows:
    text += "  static constexpr api_http::StaticFile kFiles[] = {\n" + "".join(rows) + "  };\n  return kFiles;\n"
else:
    text += "  return {};\n"
pathlib.Path(out).write_text(text + "}\n\n}  // namespace guidon::ui\n", encoding="ascii")
