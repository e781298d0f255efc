// SPDX-License-Identifier: Apache-2.0
// Overrides as lines of text: "tenant, variation", also with tabs or spaces as copied from a table.

export type OverrideProblem = { line: number; text: string; reason: 'badTenant' | 'badVariation' | 'twice' };
const TENANT = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/;

export function parseOverrides(text: string, variations: string[]): { overrides: { tenantId: string; variation: string }[]; problems: OverrideProblem[] } {
  const overrides = new Map<string, string>();
  const problems: OverrideProblem[] = [];
  text.split(/\r?\n/).forEach((raw, index) => {
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) return;
    const [tenant = '', variation = '', ...more] = content.split(/[\s,;=]+/).filter(Boolean);
    const problem = (reason: OverrideProblem['reason']) => problems.push({ line: index + 1, text: content, reason });
    if (!TENANT.test(tenant)) problem('badTenant');
    else if (!variations.includes(variation) || more.length > 0) problem('badVariation');
    else if (overrides.has(tenant) && overrides.get(tenant) !== variation) problem('twice');
    else overrides.set(tenant, variation);
  });
  return { overrides: [...overrides].map(([tenantId, variation]) => ({ tenantId, variation })), problems };
}
