# SPDX-License-Identifier: Apache-2.0
"""The installed package as its users meet it: install_test.py BUILD_FOLDER SOURCE_FOLDER C_COMPILER CXX_COMPILER.

Installs into an empty folder, builds the examples against it with CMake and with pkg-config, runs them, and looks at
what the shared library shows.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BUILD, SOURCE = (Path(text).resolve() for text in sys.argv[1:3])
C_COMPILER, CXX_COMPILER = sys.argv[3:5]
C_ANSWERS = "new on TARGETING_MATCH\nnew on TARGETING_MATCH\nold off DEFAULT\n"


def run(*command, **options):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(str(part) for part in command)}\n{result.stdout}{result.stderr}")
    return result.stdout


def same(what, expected, found):
    if expected != found:
        sys.exit(f"{what}: expected {expected!r}, found {found!r}")


def exported(library):
    """Names that the library defines for others, without versions."""
    lines = run("nm", "--dynamic", "--defined-only", library).splitlines()
    return {line.split()[2].split("@")[0] for line in lines if line.split()[1] in "TWVDBR"}


def declared(header):
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    return set(re.findall(r"GUIDON_API[^;(]*?\b(guidon_\w+)\(", text))


def main():
    folder = Path(tempfile.mkdtemp(prefix="guidon-install-"))
    try:
        prefix, examples = folder / "prefix", folder / "examples"
        run("cmake", "--install", BUILD, "--component", "library", "--prefix", prefix)
        library = next(prefix.rglob("libguidon.so"))
        definitions = SOURCE / "examples/definitions.json"

        run("cmake", "-S", SOURCE / "examples", "-B", examples, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_C_COMPILER={C_COMPILER}", f"-DCMAKE_CXX_COMPILER={CXX_COMPILER}")
        run("cmake", "--build", examples)
        same("the C example", C_ANSWERS, run(examples / "checkout_c", definitions))
        first_line = run(examples / "checkout_cpp", definitions).splitlines()[0]
        same("the C++ example", "on TARGETING_MATCH large-customers", first_line)

        same("the client example", "new on TARGETING_MATCH\n", run(examples / "live_cpp", "production", definitions, env={
            name: value for name, value in os.environ.items() if not name.startswith("GUIDON_")}))

        environment = {**os.environ, "PKG_CONFIG_PATH": str(library.parent / "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "guidon", env=environment).split()
        run(C_COMPILER, "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", SOURCE / "examples/c/checkout.c",
            "-o", folder / "with_pkg_config", *flags)
        same("the C example by pkg-config", C_ANSWERS,
             run(folder / "with_pkg_config", definitions, env={**os.environ, "LD_LIBRARY_PATH": str(library.parent)}))

        flags = run("pkg-config", "--cflags", "--libs", "guidon-client", env=environment).split()
        run(CXX_COMPILER, SOURCE / "examples/cpp/live.cpp", "-o", folder / "live_with_pkg_config", *flags)
        same("the client example by pkg-config", "new on TARGETING_MATCH\n",
             run(folder / "live_with_pkg_config", "production", definitions, env={"PATH": os.environ["PATH"]}))

        same("what libguidon.so shows", declared(prefix / "include/guidon/guidon.h"),
             {name for name in exported(library) if name != "GUIDON_1"})
        print(f"installed {sum(1 for path in prefix.rglob('*') if path.is_file())} files; "
              f"{len(exported(library)) - 1} functions exported")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
