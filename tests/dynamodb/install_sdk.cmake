# SPDX-License-Identifier: Apache-2.0
# Copies the suite to TARGET and installs the npm packages of the lock file beside it, if they are not there yet.
file(GLOB suite "${SOURCE}/*.json" "${SOURCE}/*.mjs" "${SOURCE}/.npmrc")
file(COPY ${suite} DESTINATION "${TARGET}")

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
