# SPDX-License-Identifier: Apache-2.0
# guidon_npm_ci(SOURCE TARGET): the packages of SOURCE's lock file in TARGET, unless they are there already. TARGET has
# package.json and the lock file by then. For scripts (cmake -P).
function(guidon_npm_ci source target)
  file(SHA256 "${source}/package-lock.json" wanted)
  set(stamp "${target}/.installed")
  set(installed "")
  if(EXISTS "${stamp}")
    file(READ "${stamp}" installed)
  endif()
  if(NOT installed STREQUAL wanted)
    execute_process(COMMAND npm ci --no-fund --no-audit WORKING_DIRECTORY "${target}" COMMAND_ERROR_IS_FATAL ANY)
    file(WRITE "${stamp}" "${wanted}")
  endif()
endfunction()
