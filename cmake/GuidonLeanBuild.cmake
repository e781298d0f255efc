# SPDX-License-Identifier: Apache-2.0
# A whole build where every second counts, in continuous integration and with sanitizers: the headers that most files of
# a target need are parsed once a target, and the tests' own code is not optimised. What the product is made of is
# compiled as ever, but for sanitizers: they more than double the time of the optimiser, so there only what tests spend
# their time in is optimised. A developer's build goes without all this, so that a missing #include does not stay hidden.
#
#   guidon_lean_build("${CMAKE_SOURCE_DIR}")    after all targets were made
set(GUIDON_LEAN_HEADERS <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <mutex> <optional> <span>
                        <string> <string_view> <utility> <variant> <vector> <fmt/format.h>)
set(GUIDON_LEAN_TEST_HEADERS ${GUIDON_LEAN_HEADERS} <thread> <gmock/gmock.h> <gtest/gtest.h>)
# Fewer files are parsed as quickly as the headers alone.
set(GUIDON_LEAN_FILES_MIN 3)

# Of our own, the headers that bring most others with them.
set(GUIDON_LEAN_guidon_store guidon/store/codec.hpp guidon/store/repositories.hpp)
set(GUIDON_LEAN_guidon_app guidon/app/change.hpp guidon/app/services.hpp guidon/json/json.hpp)
set(GUIDON_LEAN_guidon_api_http guidon/app/application.hpp guidon/api_http/handler_support.hpp)
set(GUIDON_LEAN_guidon_cli apps/guidon/client.hpp apps/guidon/command_tree.hpp apps/guidon/document.hpp
                           guidon/app/application.hpp)
set(GUIDON_LEAN_api_test guidon/api_http/api.hpp guidon/app/application.hpp)
set(GUIDON_LEAN_app_test guidon/app/application.hpp)
set(GUIDON_LEAN_app_use_cases_test guidon/app/application.hpp guidon/store_memory/memory_table.hpp)
set(GUIDON_LEAN_app_consistency_test ${GUIDON_LEAN_app_use_cases_test})
set(GUIDON_LEAN_store_test guidon/store/repositories.hpp)
set(GUIDON_LEAN_store_repositories_test guidon/store/repositories.hpp guidon/store_memory/memory_table.hpp)

# Their own code is what they spend their time in.
set(GUIDON_OPTIMISED_TESTS dynamodb_contract_test dynamodb_faults_test eval_test eval_conformance_test flagd_test
                           store_repositories_test store_test twin_test)

# Code of tests that is a library.
set(GUIDON_LEAN_TEST_LIBRARIES guidon_store_contract)

# Where no test spends much time. They were measured: a file takes a third of the time to compile.
set(GUIDON_UNOPTIMISED_WITH_SANITIZERS
    guidon_api_grpc guidon_api_http guidon_aws guidon_cli guidon_client guidon_flagd guidon_flagd_proto
    guidon_flagd_service guidon_library guidon_store_dynamodb guidon_upkeep)

# The target's headers to be parsed once, where it has files enough.
function(guidon_lean_headers target)
  get_target_property(files ${target} SOURCES)
  list(FILTER files INCLUDE REGEX "\\.cpp$")
  list(LENGTH files count)
  if(count LESS GUIDON_LEAN_FILES_MIN)
    return()
  endif()
  set(headers ${ARGN})
  foreach(header IN LISTS GUIDON_LEAN_${target})
    if(header MATCHES "^apps/")
      list(APPEND headers "${CMAKE_SOURCE_DIR}/${header}")
    else()
      list(APPEND headers "${CMAKE_SOURCE_DIR}/src/${header}")
    endif()
  endforeach()
  target_precompile_headers(${target} PRIVATE ${headers})
endfunction()

function(guidon_lean_build directory)
  get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE" AND target MATCHES "_test$")
      if(target IN_LIST GUIDON_OPTIMISED_TESTS)
        target_compile_options(${target} PRIVATE -O1)
      else()
        target_compile_options(${target} PRIVATE -O0)
      endif()
      guidon_lean_headers(${target} ${GUIDON_LEAN_TEST_HEADERS})
    elseif(target IN_LIST GUIDON_LEAN_TEST_LIBRARIES)
      target_compile_options(${target} PRIVATE -O0)
      guidon_lean_headers(${target} ${GUIDON_LEAN_TEST_HEADERS})
    elseif(DEFINED GUIDON_LEAN_${target})
      guidon_lean_headers(${target} ${GUIDON_LEAN_HEADERS})
    endif()
    if(GUIDON_SANITIZE AND target IN_LIST GUIDON_UNOPTIMISED_WITH_SANITIZERS)
      target_compile_options(${target} PRIVATE -O0)
    endif()
  endforeach()
  get_property(below DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
  foreach(subdirectory IN LISTS below)
    guidon_lean_build("${subdirectory}")
  endforeach()
endfunction()
