// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "guidon/eval/attribute_path.hpp"
#include "guidon/model/value.hpp"

namespace guidon::eval {

// Values as people read them in a trace: like JSON, cut at 200 bytes (between characters, with "…"). Not for machines.
std::string TextOfValues(const std::vector<model::Value>& values);
std::string TextOfAttribute(const AttributeValue& value);  // a string without quotes; empty where it is missing
std::string CutText(std::string text);

}  // namespace guidon::eval
