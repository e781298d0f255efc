# SPDX-License-Identifier: Apache-2.0
# Copies the programs to TARGET, installs the npm packages of the lock file beside them if they are not there yet, and
# compiles what is TypeScript.
include("${CMAKE_CURRENT_LIST_DIR}/../../cmake/NpmCi.cmake")

file(GLOB programs "${SOURCE}/*.json" "${SOURCE}/*.mjs" "${SOURCE}/*.ts" "${SOURCE}/.npmrc")
file(COPY ${programs} DESTINATION "${TARGET}")
guidon_npm_ci("${SOURCE}" "${TARGET}")
execute_process(COMMAND "${TARGET}/node_modules/.bin/tsc" --project tsconfig.json WORKING_DIRECTORY "${TARGET}"
                COMMAND_ERROR_IS_FATAL ANY)
