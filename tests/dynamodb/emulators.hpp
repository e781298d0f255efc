// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

// The emulators that tests run against, and what each is known not to do.
namespace guidon::dynamodb_test {

std::string Endpoint();      // GUIDON_TEST_DYNAMODB_ENDPOINT
std::string EmulatorName();  // GUIDON_TEST_DYNAMODB_EMULATOR

// Test of the contract suite → why the emulator does not pass it.
std::map<std::string, std::string> DifferencesOf(const std::string& emulator);

}  // namespace guidon::dynamodb_test
