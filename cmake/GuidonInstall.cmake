# SPDX-License-Identifier: Apache-2.0
# The engine for other programs: `cmake --install build/release --component library --prefix DIR`, then find_package(guidon)
# or pkg-config. The C++ interface is static libraries and headers, the C interface one shared library.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(guidon_package "${CMAKE_INSTALL_LIBDIR}/cmake/guidon")
install(TARGETS guidon_base guidon_model guidon_json guidon_eval guidon_library guidon_shared
  EXPORT guidonTargets
  COMPONENT library
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}/guidon"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" NAMELINK_COMPONENT library
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT guidonTargets NAMESPACE guidon:: DESTINATION "${guidon_package}" COMPONENT library)

# Headers that the public ones include, and no others.
foreach(module IN ITEMS base model)
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/src/guidon/${module}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/guidon"
    COMPONENT library FILES_MATCHING PATTERN "*.hpp" PATTERN "testing" EXCLUDE)
endforeach()
install(FILES
  "${CMAKE_SOURCE_DIR}/src/guidon/eval/bucketing.hpp"
  "${CMAKE_SOURCE_DIR}/src/guidon/eval/compile_check.hpp"
  "${CMAKE_SOURCE_DIR}/src/guidon/eval/evaluator.hpp"
  "${CMAKE_SOURCE_DIR}/src/guidon/eval/snapshot.hpp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/guidon/eval" COMPONENT library)
install(FILES "${CMAKE_SOURCE_DIR}/src/guidon/json/json.hpp" "${CMAKE_SOURCE_DIR}/src/guidon/json/model_json.hpp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/guidon/json" COMPONENT library)
install(FILES
  "${CMAKE_SOURCE_DIR}/src/guidon/library/definitions_document.hpp"
  "${CMAKE_SOURCE_DIR}/src/guidon/library/explanation.hpp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/guidon/library" COMPONENT library)
install(FILES "${CMAKE_SOURCE_DIR}/src/guidon/library/guidon.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/guidon" COMPONENT library)

configure_package_config_file("${CMAKE_SOURCE_DIR}/cmake/guidonConfig.cmake.in"
  "${CMAKE_BINARY_DIR}/package/guidonConfig.cmake" INSTALL_DESTINATION "${guidon_package}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/package/guidonConfigVersion.cmake"
  VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/package/guidonConfig.cmake" "${CMAKE_BINARY_DIR}/package/guidonConfigVersion.cmake"
  DESTINATION "${guidon_package}" COMPONENT library)

# So that the package can be moved.
file(RELATIVE_PATH guidon_prefix_from_pc "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" guidon_prefix_from_pc "${guidon_prefix_from_pc}")
foreach(name IN ITEMS guidon guidon-cpp guidon-client)
  configure_file("${CMAKE_SOURCE_DIR}/cmake/${name}.pc.in" "${CMAKE_BINARY_DIR}/package/${name}.pc" @ONLY)
  install(FILES "${CMAKE_BINARY_DIR}/package/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
    COMPONENT library)
endforeach()
