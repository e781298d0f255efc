// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "guidon/api_http/exchange.hpp"
#include "guidon/base/result.hpp"

// Management: decode → one use case → encode. They may block.
namespace guidon::api_http::handlers {

base::Result<Response> ListFlags(const Call& call);
base::Result<Response> CreateFlag(const Call& call);
base::Result<Response> GetFlag(const Call& call);
base::Result<Response> ReplaceFlag(const Call& call);
base::Result<Response> PatchFlag(const Call& call);
base::Result<Response> DeleteFlag(const Call& call);
base::Result<Response> ArchiveFlag(const Call& call);
base::Result<Response> CopyFlag(const Call& call);
base::Result<Response> ExplainFlag(const Call& call);
base::Result<Response> LintFlag(const Call& call);
base::Result<Response> ExportFlags(const Call& call);
base::Result<Response> ImportFlags(const Call& call);

base::Result<Response> GetDefinitions(const Call& call);

base::Result<Response> ListOverrides(const Call& call);
base::Result<Response> SetOverrides(const Call& call);
base::Result<Response> GetOverride(const Call& call);
base::Result<Response> SetOverride(const Call& call);
base::Result<Response> UnsetOverride(const Call& call);
base::Result<Response> ListOverridesOfTenant(const Call& call);

base::Result<Response> ListKillSwitches(const Call& call);
base::Result<Response> EngageKillSwitch(const Call& call);
base::Result<Response> ReleaseKillSwitch(const Call& call);

base::Result<Response> Acknowledge(const Call& call);
base::Result<Response> ListPropagation(const Call& call);
base::Result<Response> GetPropagation(const Call& call);

base::Result<Response> ListSegments(const Call& call);
base::Result<Response> CreateSegment(const Call& call);
base::Result<Response> GetSegment(const Call& call);
base::Result<Response> ReplaceSegment(const Call& call);
base::Result<Response> PatchSegment(const Call& call);
base::Result<Response> DeleteSegment(const Call& call);

base::Result<Response> ListSegmentKeys(const Call& call);
base::Result<Response> EditSegmentKeys(const Call& call);
base::Result<Response> UploadSegmentKeys(const Call& call);

base::Result<Response> ListTenants(const Call& call);
base::Result<Response> CreateTenant(const Call& call);
base::Result<Response> GetTenant(const Call& call);
base::Result<Response> ReplaceTenant(const Call& call);
base::Result<Response> PatchTenant(const Call& call);
base::Result<Response> DeleteTenant(const Call& call);

base::Result<Response> ListKeys(const Call& call);
base::Result<Response> CreateKey(const Call& call);
base::Result<Response> GetKey(const Call& call);
base::Result<Response> RevokeKey(const Call& call);
base::Result<Response> RotateKey(const Call& call);

base::Result<Response> ListAudit(const Call& call);
base::Result<Response> ExportAudit(const Call& call);
base::Result<Response> VerifyAudit(const Call& call);

base::Result<Response> GetFlagUsage(const Call& call);
base::Result<Response> ListEvaluations(const Call& call);
base::Result<Response> ListUsage(const Call& call);
base::Result<Response> ReportUsage(const Call& call);

base::Result<Response> LandingPage(const Call& call);
base::Result<Response> GetAccess(const Call& call);
base::Result<Response> GetConfiguration(const Call& call);
base::Result<Response> Liveness(const Call& call);
base::Result<Response> Readiness(const Call& call);
base::Result<Response> MetricsText(const Call& call);
base::Result<Response> OpenApi(const Call& call);
base::Result<Response> Refresh(const Call& call);

}  // namespace guidon::api_http::handlers
