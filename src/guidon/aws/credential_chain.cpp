// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/credential_chain.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "guidon/aws/endpoint.hpp"
#include "guidon/aws/sts.hpp"
#include "guidon/base/random.hpp"
#include "guidon/json/json.hpp"

namespace guidon::aws {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using Found = Result<std::optional<Credentials>>;

constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr std::string_view kMetadataHost = "http://169.254.169.254";
// Where there is no metadata service nobody answers at all: a start must not wait long for it.
constexpr std::chrono::milliseconds kLocalConnectMax{1000};
constexpr std::chrono::milliseconds kLocalTimeMax{2000};
constexpr int kLocalAttemptsMax = 3;
constexpr std::string_view kTokenSeconds = "21600";

std::string SettingOf(const ProfileSection& profile, std::string_view name) {
  const auto found = profile.find(name);
  return found != profile.end() ? found->second : std::string();
}

std::string TextAt(const model::Object& object, std::string_view name) {
  const model::Value* value = object.Find(name);
  const std::string* text = value != nullptr ? value->AsString() : nullptr;
  return text != nullptr ? *text : std::string();
}

// What credential programs, the container endpoint and the metadata service say: one JSON object.
Found FromDocument(std::string_view text, std::string_view source) {
  const auto document = json::Parse(text);
  const model::Object* object = document ? document->AsObject() : nullptr;
  if (object == nullptr)
    return Fail(ErrorCode::kUnavailable, fmt::format("{} gave no JSON object with credentials", source));
  Credentials credentials{.access_key_id = TextAt(*object, "AccessKeyId"),
                          .secret_access_key = TextAt(*object, "SecretAccessKey"),
                          .session_token = TextAt(*object, "SessionToken")};
  if (credentials.session_token.empty()) credentials.session_token = TextAt(*object, "Token");
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
    return Fail(ErrorCode::kUnauthenticated, fmt::format("{} gave no credentials: {} {}", source,
                                                         TextAt(*object, "Code"), TextAt(*object, "Message")));
  if (const std::string expiration = TextAt(*object, "Expiration"); !expiration.empty()) {
    GUIDON_ASSIGN(credentials.expires_at, base::ParseTimestamp(expiration, "Expiration"));
  }
  return std::optional(std::move(credentials));
}

// A few tries: these services answer at once or are starting.
Result<HttpResponse> Ask(HttpTransport& transport, HttpRequest request, std::string_view what) {
  request.connect_timeout = kLocalConnectMax;
  request.timeout = kLocalTimeMax;
  request.direct = true;
  std::string problem;
  for (int attempt = 0; attempt < kLocalAttemptsMax; ++attempt) {
    auto answer = transport.Send(request);
    if (answer && answer->status == 200) return *std::move(answer);
    if (answer && answer->status < 500)
      return Fail(ErrorCode::kUnauthenticated, fmt::format("{} answered status {}", what, answer->status));
    problem = answer ? fmt::format("status {}", answer->status) : answer.error().message;
  }
  return Fail(ErrorCode::kUnavailable, fmt::format("no answer from {}: {}", what, problem));
}

// Roles that a profile names, through other profiles, down to a profile with keys.
class ProfileResolver {
 public:
  ProfileResolver(const CredentialWorld& world, const ProfileFiles& files, std::string_view region)
      : world_(world), files_(files), region_(region) {}

  Found Resolve(const std::string& name) {
    const ProfileSection* profile = files_.Find(name);
    if (profile == nullptr)
      return Fail(ErrorCode::kUnauthenticated, fmt::format("there is no profile '{}' in the AWS files", name));
    const bool again = !visited_.insert(name).second;
    if (!SettingOf(*profile, "role_arn").empty() && !again) return Role(name, *profile);
    if (!SettingOf(*profile, "aws_access_key_id").empty()) return Keys(name, *profile);
    if (again) return Fail(ErrorCode::kUnauthenticated, fmt::format("profile '{}' is its own source_profile", name));
    if (const std::string command = SettingOf(*profile, "credential_process"); !command.empty()) {
      auto output = world_.machine.Run(command);
      if (!output)
        return Fail(output.error().code,
                    fmt::format("credential_process of profile '{}': {}", name, output.error().message));
      return FromDocument(*output, fmt::format("credential_process of profile '{}'", name));
    }
    return std::optional<Credentials>{};
  }

 private:
  Found Keys(const std::string& name, const ProfileSection& profile) const {
    Credentials credentials{.access_key_id = SettingOf(profile, "aws_access_key_id"),
                            .secret_access_key = SettingOf(profile, "aws_secret_access_key"),
                            .session_token = SettingOf(profile, "aws_session_token")};
    if (!credentials.secret_access_key.empty()) return std::optional(std::move(credentials));
    return Fail(ErrorCode::kUnauthenticated,
                fmt::format("profile '{}' has aws_access_key_id and no aws_secret_access_key", name));
  }

  Found Source(const std::string& name, const ProfileSection& profile) {
    if (const std::string source = SettingOf(profile, "source_profile"); !source.empty()) return Resolve(source);
    const std::string place = SettingOf(profile, "credential_source");
    if (place == "Environment") return FromEnvironment(world_.machine);
    if (place == "EcsContainer") return FromContainer(world_);
    if (place == "Ec2InstanceMetadata") return FromInstanceMetadata(world_);
    return Fail(
        ErrorCode::kUnauthenticated,
        fmt::format("profile '{}' has role_arn and neither source_profile nor a known credential_source", name));
  }

  Found Role(const std::string& name, const ProfileSection& profile) {
    if (!SettingOf(profile, "web_identity_token_file").empty()) return std::optional<Credentials>{};
    GUIDON_ASSIGN(const auto source, Source(name, profile));
    if (!source)
      return Fail(ErrorCode::kUnauthenticated, fmt::format("profile '{}': its source has no credentials", name));
    StsCall call{.endpoint = {}, .region = region_, .parameters = {{"Action", "AssumeRole"}}};
    if (const std::string region = SettingOf(profile, "region"); !region.empty()) call.region = region;
    GUIDON_ASSIGN(call.endpoint, ResolveEndpoint("", "sts", call.region, world_.machine, files_));
    call.parameters["RoleArn"] = SettingOf(profile, "role_arn");
    const std::string session = SettingOf(profile, "role_session_name");
    call.parameters["RoleSessionName"] = session.empty() ? "guidon-" + base::RandomId() : session;
    if (const std::string id = SettingOf(profile, "external_id"); !id.empty()) call.parameters["ExternalId"] = id;
    if (const std::string time = SettingOf(profile, "duration_seconds"); !time.empty())
      call.parameters["DurationSeconds"] = time;
    GUIDON_ASSIGN(Credentials credentials, CallSts(world_.transport, world_.clock, call, &*source));
    return std::optional(std::move(credentials));
  }

  const CredentialWorld& world_;
  const ProfileFiles& files_;
  const std::string region_;
  std::set<std::string> visited_;
};

// Whether a URL that a variable gave may be sent a token: over TLS, or to this machine or a container's own endpoint.
bool IsTrustedContainerUrl(std::string_view url) {
  const UrlParts parts = SplitUrl(url);
  if (parts.scheme == "https") return true;
  return parts.scheme == "http" && (IsLoopbackHost(parts.host) || parts.host == "169.254.170.2" ||
                                    parts.host == "169.254.170.23" || parts.host == "[fd00:ec2::23]");
}

std::string Trimmed(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r') || text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace

Found FromEnvironment(const Machine& machine) {
  auto id = machine.Variable("AWS_ACCESS_KEY_ID");
  auto secret = machine.Variable("AWS_SECRET_ACCESS_KEY");
  if (!id && !secret) return std::optional<Credentials>{};
  if (!id || !secret)
    return Fail(ErrorCode::kUnauthenticated, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together");
  return std::optional(Credentials{.access_key_id = *std::move(id),
                                   .secret_access_key = *std::move(secret),
                                   .session_token = machine.Variable("AWS_SESSION_TOKEN").value_or("")});
}

Found FromProfile(const CredentialWorld& world, const ProfileFiles& files, std::string_view region) {
  if (files.Find(files.chosen) == nullptr && !files.chosen_by_name) return std::optional<Credentials>{};
  return ProfileResolver(world, files, region).Resolve(files.chosen);
}

Found FromWebIdentity(const CredentialWorld& world, const ProfileFiles& files, std::string_view region) {
  std::string token_file = files.Get("web_identity_token_file");
  std::string role = files.Get("role_arn");
  std::string session = files.Get("role_session_name");
  if (token_file.empty()) {
    token_file = world.machine.Variable("AWS_WEB_IDENTITY_TOKEN_FILE").value_or("");
    role = world.machine.Variable("AWS_ROLE_ARN").value_or("");
    session = world.machine.Variable("AWS_ROLE_SESSION_NAME").value_or("");
  }
  if (token_file.empty()) return std::optional<Credentials>{};
  if (role.empty()) return Fail(ErrorCode::kUnauthenticated, "a web identity needs a role: AWS_ROLE_ARN is not set");
  GUIDON_ASSIGN(auto token, world.machine.ReadFile(token_file));
  if (!token)
    return Fail(ErrorCode::kUnauthenticated, fmt::format("the web identity token {} is not there", token_file));
  StsCall call{.endpoint = {},
               .region = std::string(region),
               .parameters = {{"Action", "AssumeRoleWithWebIdentity"},
                              {"RoleArn", role},
                              {"RoleSessionName", session.empty() ? "guidon-" + base::RandomId() : session},
                              {"WebIdentityToken", Trimmed(*std::move(token))}}};
  GUIDON_ASSIGN(call.endpoint, ResolveEndpoint("", "sts", region, world.machine, files));
  GUIDON_ASSIGN(Credentials credentials, CallSts(world.transport, world.clock, call, nullptr));
  return std::optional(std::move(credentials));
}

Found FromContainer(const CredentialWorld& world) {
  const auto relative = world.machine.Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const auto full = world.machine.Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative && !full) return std::optional<Credentials>{};
  const std::string url = relative ? std::string(kContainerHost) + *relative : *full;
  if (!IsTrustedContainerUrl(url))
    return Fail(ErrorCode::kUnauthenticated,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or name this machine or the container's endpoint");
  HttpRequest request{.method = "GET", .url = url};
  std::string token = world.machine.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  if (const auto file = world.machine.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    GUIDON_ASSIGN(auto text, world.machine.ReadFile(*file));
    if (!text) return Fail(ErrorCode::kUnauthenticated, fmt::format("the token file {} is not there", *file));
    token = Trimmed(*std::move(text));
  }
  if (token.find_first_of("\r\n") != std::string::npos)
    return Fail(ErrorCode::kUnauthenticated, "the container's authorization token has more than one line");
  if (!token.empty()) request.headers.emplace_back("authorization", token);
  GUIDON_ASSIGN(const HttpResponse answer, Ask(world.transport, std::move(request), "the container's credentials"));
  return FromDocument(answer.body, "the container's credentials");
}

Found FromInstanceMetadata(const CredentialWorld& world) {
  if (world.machine.Variable("AWS_EC2_METADATA_DISABLED").value_or("") == "true") return std::optional<Credentials>{};
  std::string host = world.machine.Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or(std::string(kMetadataHost));
  while (host.ends_with('/')) host.pop_back();
  constexpr std::string_view kName = "the instance metadata service";
  const auto token = Ask(world.transport,
                         {.method = "PUT",
                          .url = host + "/latest/api/token",
                          .headers = {{"x-aws-ec2-metadata-token-ttl-seconds", std::string(kTokenSeconds)}}},
                         kName);
  // Where nobody answers this is no such machine, which is not a failure.
  if (!token && token.error().code == ErrorCode::kUnavailable) return std::optional<Credentials>{};
  if (!token) return std::unexpected(token.error());
  const auto get = [&](const std::string& path) {
    return Ask(world.transport,
               {.method = "GET", .url = host + path, .headers = {{"x-aws-ec2-metadata-token", token->body}}}, kName);
  };
  const std::string folder = "/latest/meta-data/iam/security-credentials/";
  GUIDON_ASSIGN(const HttpResponse roles, get(folder));
  const std::string role = roles.body.substr(0, roles.body.find('\n'));
  GUIDON_ASSIGN(const HttpResponse answer, get(folder + role));
  return FromDocument(answer.body, kName);
}

Found CredentialChain::Fetch() {
  GUIDON_ASSIGN(auto found, FromEnvironment(world_.machine));
  if (found) return found;
  GUIDON_ASSIGN(const ProfileFiles files, LoadProfiles(world_.machine));
  GUIDON_ASSIGN(found, FromProfile(world_, files, region_));
  if (found) return found;
  if (local_endpoint_) return std::optional(Credentials{.access_key_id = "local", .secret_access_key = "local"});
  GUIDON_ASSIGN(found, FromWebIdentity(world_, files, region_));
  if (found) return found;
  GUIDON_ASSIGN(found, FromContainer(world_));
  if (found) return found;
  return FromInstanceMetadata(world_);
}

}  // namespace guidon::aws
