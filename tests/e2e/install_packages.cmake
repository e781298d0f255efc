# SPDX-License-Identifier: Apache-2.0
# Copies the suites to TARGET and installs the npm packages of the lock file beside them, if they are not there yet.
include("${CMAKE_CURRENT_LIST_DIR}/../../cmake/NpmCi.cmake")

file(GLOB suites "${SOURCE}/*.json" "${SOURCE}/.npmrc")
file(COPY ${suites} DESTINATION "${TARGET}")
file(COPY "${SOURCE}/sdk" "${SOURCE}/lib" "${SOURCE}/flagd" "${SOURCE}/ui" DESTINATION "${TARGET}")
guidon_npm_ci("${SOURCE}" "${TARGET}")
