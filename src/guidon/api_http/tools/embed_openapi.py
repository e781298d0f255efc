# SPDX-License-Identifier: Apache-2.0
"""Writes api/openapi.yaml as JSON inside a C++ source: embed_openapi.py IN.yaml OUT.cpp"""
import json
import sys

import yaml

CHARACTERS_PER_PIECE = 4000  # compilers limit the length of one literal

with open(sys.argv[1], encoding="utf-8") as source:
    text = json.dumps(yaml.safe_load(source), ensure_ascii=True, separators=(",", ":"))

pieces = [text[i : i + CHARACTERS_PER_PIECE] for i in range(0, len(text), CHARACTERS_PER_PIECE)]
literals = ",\n".join(
    "    \"" + piece.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") + "\"" for piece in pieces
)
with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.write(
        "// Made from api/openapi.yaml; do not edit.\n"
        '#include "guidon/api_http/openapi_document.hpp"\n\n'
        "#include <string>\n\n"
        "namespace guidon::api_http {\n"
        "namespace {\n\n"
        "constexpr std::string_view kPieces[] = {\n"
        f"{literals}}};\n\n"
        "std::string Join() {\n"
        "  std::string text;\n"
        "  for (const std::string_view piece : kPieces) text += piece;\n"
        "  return text;\n"
        "}\n\n"
        "}  // namespace\n\n"
        "std::string_view OpenApiDocument() {\n"
        "  static const std::string text = Join();\n"
        "  return text;\n"
        "}\n\n"
        "}  // namespace guidon::api_http\n"
    )
