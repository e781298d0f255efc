# SPDX-License-Identifier: Apache-2.0
# Copies the programs to TARGET, installs the npm packages of the lock file beside them if they are not there yet, and
# compiles what is TypeScript.
file(GLOB programs "${SOURCE}/*.json" "${SOURCE}/*.mjs" "${SOURCE}/*.ts" "${SOURCE}/.npmrc")
file(COPY ${programs} DESTINATION "${TARGET}")

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
execute_process(COMMAND "${TARGET}/node_modules/.bin/tsc" --project tsconfig.json WORKING_DIRECTORY "${TARGET}"
                COMMAND_ERROR_IS_FATAL ANY)
