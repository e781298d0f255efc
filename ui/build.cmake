# SPDX-License-Identifier: Apache-2.0
# Builds the UI of SOURCE (the checkout) in TARGET, so that nothing is written into the source tree. The npm packages are
# installed from the lock file when it has changed.
file(REMOVE_RECURSE "${TARGET}/ui/src" "${TARGET}/ui/tests" "${TARGET}/ui/public")
file(GLOB files "${SOURCE}/ui/*.json" "${SOURCE}/ui/*.ts" "${SOURCE}/ui/index.html" "${SOURCE}/ui/.npmrc"
     "${SOURCE}/ui/src" "${SOURCE}/ui/tests" "${SOURCE}/ui/public")
file(COPY ${files} DESTINATION "${TARGET}/ui")
file(COPY "${SOURCE}/api/openapi.yaml" DESTINATION "${TARGET}/api")

file(SHA256 "${SOURCE}/ui/package-lock.json" wanted)
set(stamp "${TARGET}/ui/.installed")
set(installed "")
if(EXISTS "${stamp}")
  file(READ "${stamp}" installed)
endif()
if(NOT installed STREQUAL wanted)
  execute_process(COMMAND "${NPM}" ci --no-fund --no-audit --loglevel=error WORKING_DIRECTORY "${TARGET}/ui"
                  COMMAND_ERROR_IS_FATAL ANY)
  file(WRITE "${stamp}" "${wanted}")
endif()
execute_process(COMMAND "${NPM}" run --silent build WORKING_DIRECTORY "${TARGET}/ui" COMMAND_ERROR_IS_FATAL ANY)
