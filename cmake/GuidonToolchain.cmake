# SPDX-License-Identifier: Apache-2.0
# Language level, warnings, sanitizers and output folders: what every target shares.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_program(GUIDON_CCACHE ccache)
if(GUIDON_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${GUIDON_CCACHE}")
endif()

find_program(GUIDON_LLD NAMES ld.lld-19 ld.lld)
if(GUIDON_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options("-fuse-ld=${GUIDON_LLD}")
endif()

# What every 64-bit x86 processor since about 2010 has (population count, SSE 4.2): evaluation counts bits. Set to "" for
# older machines.
set(GUIDON_X86_64_LEVEL "x86-64-v2" CACHE STRING "-march of the binary on x86-64")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND GUIDON_X86_64_LEVEL)
  add_compile_options("-march=${GUIDON_X86_64_LEVEL}")
endif()

add_library(guidon_options INTERFACE)
target_include_directories(guidon_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(guidon_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wconversion -Wno-sign-conversion
  -Wimplicit-fallthrough -fno-omit-frame-pointer
  # GCC 12 takes any `"text" + std::string` for an overlapping copy (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_compile_definitions(guidon_options INTERFACE
  GUIDON_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)

if(GUIDON_SANITIZE)
  add_compile_options("-fsanitize=${GUIDON_SANITIZE}" -fno-sanitize-recover=all)
  add_link_options("-fsanitize=${GUIDON_SANITIZE}")
endif()
if(GUIDON_BUILD_FUZZ)
  # Coverage in all our code lets the fuzzer see inside the libraries; the main function comes only with the targets.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
