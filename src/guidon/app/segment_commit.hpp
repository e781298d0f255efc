// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "guidon/app/committer.hpp"
#include "guidon/app/services.hpp"
#include "guidon/base/result.hpp"
#include "guidon/store/segment_keys.hpp"

namespace guidon::app {

// Commits a change of a segment together with the parts of its keys (docs/adr/0015): first the new parts, which nobody
// reads yet, then the change, then away with the parts that it replaced, or with the new ones where it did not happen.
// Where this ends in the middle, SweepSegmentParts finds what is left. Errors: those of the committer, and kUnavailable
// where the parts cannot be written in time.
base::Result<Committed> CommitSegment(const Services& services, PreparedChange change, const store::SegmentPlan& plan);

// Removes what writes that ended in the middle have left of any segment. Failures are logged: what is left takes room
// and no effect.
void SweepSegments(const Services& services);

}  // namespace guidon::app
