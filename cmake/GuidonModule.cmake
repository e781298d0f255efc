# SPDX-License-Identifier: Apache-2.0
# One helper for every module: folder = include path = namespace = target (guidon::NAME).
#
#   guidon_module(NAME base
#     SOURCES error.cpp ...            every .cpp but tests
#     HEADERS error.hpp ...            public headers; each is compiled alone to prove that it is self-contained
#     TESTS error_test.cpp ...         one test program per module, named NAME_test
#     DEPENDS guidon::base ...         what the public headers need
#     PRIVATE_DEPENDS fmt::fmt ...     what only the .cpp files need
#     TEST_DEPENDS ...                 what only the tests need
#     LABELS threads ...               ctest labels of the test program ("threads": also run under TSan)
#     TEST_TIMEOUT 120)                seconds for the whole test program
function(guidon_module)
  cmake_parse_arguments(M "" "NAME;TEST_TIMEOUT" "SOURCES;HEADERS;TESTS;DEPENDS;PRIVATE_DEPENDS;TEST_DEPENDS;LABELS" ${ARGN})
  if(M_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "guidon_module(${M_NAME}): unknown arguments ${M_UNPARSED_ARGUMENTS}")
  endif()
  set(target guidon_${M_NAME})

  if(M_SOURCES)
    add_library(${target} STATIC ${M_SOURCES})
    target_link_libraries(${target} PUBLIC ${M_DEPENDS} PRIVATE $<BUILD_INTERFACE:guidon_options> ${M_PRIVATE_DEPENDS})
    target_include_directories(${target} PUBLIC "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>")
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE ${M_DEPENDS})
    target_include_directories(${target} INTERFACE "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>")
  endif()
  add_library(guidon::${M_NAME} ALIAS ${target})

  # Once is enough: a sanitizer would see the same text again.
  if(GUIDON_BUILD_TESTS AND NOT GUIDON_SANITIZE)
    set(self_contained)
    foreach(header IN LISTS M_HEADERS)
      string(REPLACE "/" "_" stem "${header}")
      set(unit "${CMAKE_CURRENT_BINARY_DIR}/self_contained/${stem}.cpp")
      file(CONFIGURE OUTPUT "${unit}" CONTENT "#include \"guidon/${M_NAME}/${header}\"\n")
      list(APPEND self_contained "${unit}")
    endforeach()
    if(self_contained)
      add_library(${target}_headers OBJECT ${self_contained})
      target_link_libraries(${target}_headers PRIVATE ${target} guidon_options)
    endif()
  endif()

  if(GUIDON_BUILD_TESTS AND M_TESTS)
    find_package(GTest REQUIRED)
    add_executable(${M_NAME}_test ${M_TESTS})
    target_link_libraries(${M_NAME}_test PRIVATE ${target} guidon_options ${M_PRIVATE_DEPENDS} ${M_TEST_DEPENDS}
                                                 GTest::gmock GTest::gtest_main)
    if(NOT M_TEST_TIMEOUT)
      set(M_TEST_TIMEOUT 120)
    endif()
    add_test(NAME ${M_NAME} COMMAND ${M_NAME}_test WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${M_NAME} PROPERTIES TIMEOUT ${M_TEST_TIMEOUT} LABELS "unit;${M_LABELS}")
  endif()
endfunction()
