# SPDX-License-Identifier: Apache-2.0
# Copies the suites to TARGET and installs the npm packages of the lock file beside them, if they are not there yet.
file(GLOB suites "${SOURCE}/*.json" "${SOURCE}/.npmrc")
file(COPY ${suites} DESTINATION "${TARGET}")
file(COPY "${SOURCE}/sdk" "${SOURCE}/lib" "${SOURCE}/flagd" "${SOURCE}/ui" DESTINATION "${TARGET}")

file(SHA256 "${SOURCE}/package-lock.json" wanted)
set(stamp "${TARGET}/.installed")
set(installed "")
if(EXISTS "${stamp}")
  file(READ "${stamp}" installed)
endif()
if(NOT installed STREQUAL wanted)
  execute_process(COMMAND npm ci --no-fund --no-audit WORKING_DIRECTORY "${TARGET}" COMMAND_ERROR_IS_FATAL ANY)
  file(WRITE "${stamp}" "${wanted}")
endif()
