// SPDX-License-Identifier: Apache-2.0
// How a program asks for a flag with OpenFeature, filled in. Environments come from the key that the program uses.
import type { Flag, FlagType, Json } from '../api/types';

export type SnippetLanguage = { id: string; name: string; install: string; code: string };

type Case = Record<FlagType, string>;

const quote = (text: string) => JSON.stringify(text);
const sample = (flag: Flag): Json => ((flag.variations as Record<string, Json>)[flag.offVariation ?? ''] ?? { boolean: false, string: '', number: 0, object: {} }[flag.type]) as Json;

export function snippetsOf(flag: Flag, url: string): SnippetLanguage[] {
  const key = quote(flag.flagKey);
  const value = sample(flag);
  const json = JSON.stringify(value);
  const python = json.replace(/\btrue\b/g, 'True').replace(/\bfalse\b/g, 'False').replace(/\bnull\b/g, 'None');
  const pythonValue = typeof value === 'string' ? json : python;
  const pick = (cases: Case) => cases[flag.type];
  const js = pick({ boolean: 'getBooleanValue', string: 'getStringValue', number: 'getNumberValue', object: 'getObjectValue' });
  const server = `headers: { Authorization: \`Bearer \${process.env.GUIDON_KEY}\` },`;
  return [
    {
      id: 'node',
      name: 'Node.js',
      install: 'npm install @openfeature/server-sdk @openfeature/ofrep-provider',
      code: `import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

await OpenFeature.setProviderAndWait(
  new OFREPProvider({
    baseUrl: '${url}',
    ${server}
  }),
);
const client = OpenFeature.getClient();
const value = await client.${js}(${key}, ${json}, {
  targetingKey: user.id,
  tenantId: user.tenantId,
});`,
    },
    {
      id: 'web',
      name: 'Web',
      install: 'npm install @openfeature/web-sdk @openfeature/ofrep-web-provider',
      code: `import { OpenFeature } from '@openfeature/web-sdk';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';

await OpenFeature.setContext({ targetingKey: user.id, tenantId: user.tenantId });
await OpenFeature.setProviderAndWait(
  new OFREPWebProvider({
    baseUrl: '${url}',
    headers: { Authorization: 'Bearer ' + CLIENT_KEY },
  }),
);
const value = OpenFeature.getClient().${js}(${key}, ${json});`,
    },
    {
      id: 'java',
      name: 'Java',
      install: 'dev.openfeature:sdk, dev.openfeature.contrib.providers:ofrep',
      code: `var options = OfrepProviderOptions.builder()
    .baseUrl("${url}")
    .headers(ImmutableMap.of(
        "Authorization", ImmutableList.of("Bearer " + System.getenv("GUIDON_KEY"))))
    .build();
var api = OpenFeatureAPI.getInstance();
api.setProviderAndWait(OfrepProvider.constructProvider(options));

var context = new MutableContext(user.id()).add("tenantId", user.tenantId());
var value = api.getClient().${pick({ boolean: 'getBooleanValue', string: 'getStringValue', number: 'getDoubleValue', object: 'getObjectValue' })}(${key}, ${flag.type === 'object' ? 'new Value(new MutableStructure())' : flag.type === 'number' && Number.isInteger(value) ? `${json}.0` : json}, context);`,
    },
    {
      id: 'go',
      name: 'Go',
      install: 'go get github.com/open-feature/go-sdk github.com/open-feature/go-sdk-contrib/providers/ofrep',
      code: `provider := ofrep.NewProvider("${url}", ofrep.WithBearerToken(os.Getenv("GUIDON_KEY")))
if err := openfeature.SetProviderAndWait(provider); err != nil {
	return err
}
client := openfeature.NewClient("app")
evalCtx := openfeature.NewEvaluationContext(user.ID, map[string]any{"tenantId": user.TenantID})
value, err := client.${pick({ boolean: 'BooleanValue', string: 'StringValue', number: 'FloatValue', object: 'ObjectValue' })}(ctx, ${key}, ${flag.type === 'object' ? 'map[string]any{}' : json}, evalCtx)`,
    },
    {
      id: 'python',
      name: 'Python',
      install: 'pip install openfeature-sdk openfeature-provider-ofrep',
      code: `import os
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

api.set_provider(OFREPProvider(
    "${url}",
    headers_factory=lambda: {"Authorization": "Bearer " + os.environ["GUIDON_KEY"]},
))
client = api.get_client()
value = client.${pick({ boolean: 'get_boolean_value', string: 'get_string_value', number: 'get_float_value', object: 'get_object_value' })}(
    ${key}, ${pythonValue}, EvaluationContext(user.id, {"tenantId": user.tenant_id}))`,
    },
    {
      id: 'dotnet',
      name: '.NET',
      install: 'dotnet add package OpenFeature.Providers.Ofrep',
      code: `var options = new OfrepOptions("${url}")
{
    Headers = { ["Authorization"] = "Bearer " + Environment.GetEnvironmentVariable("GUIDON_KEY") },
};
await Api.Instance.SetProviderAsync(new OfrepProvider(options));

var context = EvaluationContext.Builder().SetTargetingKey(user.Id).Set("tenantId", user.TenantId).Build();
var value = await Api.Instance.GetClient()
    .${pick({ boolean: 'GetBooleanValueAsync', string: 'GetStringValueAsync', number: 'GetDoubleValueAsync', object: 'GetObjectValueAsync' })}(${key}, ${flag.type === 'object' ? 'new Value(Structure.Empty)' : json}, context);`,
    },
  ];
}
