// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace guidon::app {

// Sleeps before a change is tried again because somebody else's came in between: up to 0.25 ms × 2^attempt, at most
// 20 ms, with full jitter, so that those who got in each other's way do not meet again.
void PauseBefore(int attempt);

}  // namespace guidon::app
