# SPDX-License-Identifier: Apache-2.0
# Test programs where every second counts, in continuous integration and with sanitizers: the headers that all of their
# files need are parsed once a program, and their own code is not optimised, which halves the time that it takes.
# What they test is built as ever. A developer's build goes without, so that a missing #include does not stay hidden.
#
#   guidon_lean_tests("${CMAKE_SOURCE_DIR}")    after all targets were made
set(GUIDON_TEST_HEADERS <algorithm> <chrono> <functional> <map> <memory> <optional> <string> <string_view> <thread>
                        <utility> <vector> <gmock/gmock.h> <gtest/gtest.h>)
# Fewer files are parsed as quickly as the headers alone.
set(GUIDON_TEST_HEADERS_FILES_MIN 3)
# Their own code is what they spend their time in.
set(GUIDON_OPTIMISED_TESTS dynamodb_contract_test dynamodb_faults_test eval_test eval_conformance_test flagd_test store_test
                           twin_test)

function(guidon_lean_tests directory)
  get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "EXECUTABLE" OR NOT target MATCHES "_test$")
      continue()
    endif()
    if(NOT target IN_LIST GUIDON_OPTIMISED_TESTS)
      target_compile_options(${target} PRIVATE -O0)
    endif()
    get_target_property(files ${target} SOURCES)
    list(FILTER files INCLUDE REGEX "\\.cpp$")
    list(LENGTH files count)
    if(count GREATER_EQUAL GUIDON_TEST_HEADERS_FILES_MIN)
      target_precompile_headers(${target} PRIVATE ${GUIDON_TEST_HEADERS})
    endif()
  endforeach()
  get_property(below DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
  foreach(subdirectory IN LISTS below)
    guidon_lean_tests("${subdirectory}")
  endforeach()
endfunction()
