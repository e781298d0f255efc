#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks who includes whom: src/guidon/layers.txt against every #include of the modules and of apps/.

  - an include goes to a lower ring or stays in its module, so adapters (all in one ring) never include each other;
  - every module folder is in the table, and every row of the table has a folder;
  - the core (base, model, eval) includes the C++ library and the few headers listed here, nothing else;
  - a header in a module's HEADERS is public: it includes no vendor header. Other headers are private to their module;
  - our own headers are named from the root: "guidon/module/file.hpp".

Tests (x_test.cpp, test_x.hpp, x_contract.hpp, testing/) may use the reference adapter, private headers of lower rings
and test libraries.
"""

import pathlib
import re

import project

CORE = ("base", "model", "eval")
CORE_MAY_INCLUDE = {
    "sys/random.h",  # getrandom: keys and request ids need the kernel's randomness
    "arpa/inet.h",  # text to network address: conditions on CIDR ranges
    "netinet/in.h",
    "fmt/format.h",  # libstdc++ 12 has no <format>
    "fmt/core.h",
    "re2/re2.h",  # regular expressions in linear time
    "sys/mman.h",  # large tables ask for huge pages
}
VENDORS = ("boost/", "simdjson", "rocksdb/", "spdlog/", "CLI/", "toml++/", "toml.hpp", "prometheus/", "curl/",
           "openssl/", "re2/", "fmt/", "nlohmann/", "grpc", "google/protobuf/")
# What tests of any ring may run against in place of a real store.
REFERENCE_ADAPTER = "store_memory"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
OWN = re.compile(r"^guidon/([a-z0-9_]+)/(.+)$")
TEST_NAME = re.compile(r"_test$|^test_|_contract(_|$)")
STANDARD = re.compile(r"^[a-z0-9_]+$")


def read_rings(path):
    rings = {}
    for line in path.read_text().splitlines():
        fields = line.split("#")[0].split()
        if fields:
            rings[fields[1]] = int(fields[0])
    return rings


def public_headers(folder):
    text = "\n".join(re.sub(r"#.*", "", path.read_text())
                     for path in [folder / "CMakeLists.txt", *folder.glob("*.cmake")] if path.exists())
    variables = dict(re.findall(r"\bset\((\w+)\s+([^)]*)\)", text))
    names = []
    for listed in re.findall(r"\bHEADERS\s+((?:[a-z][\w/.]*\s*|\$\{\w+\}\s*)*)", text):
        names += re.sub(r"\$\{(\w+)\}", lambda found: variables.get(found[1], ""), listed).split()
    return set(names)


def is_test(path):
    return TEST_NAME.search(path.stem) is not None or "testing" in path.parts


def check(root):
    source = root / "src" / "guidon"
    rings = read_rings(source / "layers.txt")
    folders = {entry.name for entry in source.iterdir() if entry.is_dir()}
    for name in sorted(folders - rings.keys()):
        yield f"src/guidon/{name}: not in src/guidon/layers.txt; give the module a ring"
    for name in sorted(rings.keys() - folders):
        yield f"src/guidon/layers.txt: module {name} has no folder"
    public = {name: public_headers(source / name) for name in folders}

    for path in project.files(root, "src/guidon/*.hpp", "src/guidon/*.cpp", "apps/*.hpp", "apps/*.cpp"):
        module = path.parts[2] if path.parts[0] == "src" else None
        if module and (len(path.parts) < 4 or module not in rings):
            continue
        text = (root / path).read_text()
        for found in INCLUDE.finditer(text):
            where = f"{path}:{text.count(chr(10), 0, found.start(2)) + 1}"
            problem = (own_include(path, module, found[2], rings, public) if found[1] == '"'
                       else vendor_include(path, module, found[2], public))
            if problem:
                yield f"{where}: {problem}"


def own_include(path, module, header, rings, public):
    own = OWN.match(header)
    if not own:
        return f'"{header}": name it from the root, "guidon/module/file.hpp"' if module else None
    target, name = own[1], own[2]
    if target == module:
        return None
    if target not in rings:
        return f"{header}: module {target} is not in src/guidon/layers.txt"
    if is_test(path):
        allowed = module is None or rings[target] < rings[module] or target == REFERENCE_ADAPTER
        return None if allowed else f"{header}: ring {rings[module]} test includes ring {rings[target]}"
    if module and rings[target] >= rings[module]:
        return (f"{header}: {module} is in ring {rings[module]} and {target} in ring {rings[target]}; "
                "includes go to a lower ring only")
    if name not in public.get(target, set()) and not is_test(pathlib.PurePosixPath(name)):
        return f"{header}: private to {target} (not in HEADERS of its CMakeLists.txt)"
    return None


def vendor_include(path, module, header, public):
    if module is None or is_test(path):
        return None
    if module in CORE and not STANDARD.match(header) and header not in CORE_MAY_INCLUDE:
        return f"<{header}>: the core includes only the C++ library (tests/checks/layers.py lists the exceptions)"
    if "/".join(path.parts[3:]) in public[module] and header.startswith(VENDORS):
        return f"<{header}>: a vendor header in a public header"
    return None


if __name__ == "__main__":
    project.run(__doc__, check)
