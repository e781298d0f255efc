// SPDX-License-Identifier: Apache-2.0
// What a kill switch reaches: `global`, `flag:KEY`, `tenant:ID`, `owner:NAME`.
import type { Flag, KillSwitch } from '../api/types';

export type ScopeKind = 'global' | 'flag' | 'tenant' | 'owner';

export function parseScope(scope: string): { kind: ScopeKind; name: string } {
  const at = scope.indexOf(':');
  return at < 0 ? { kind: 'global', name: '' } : { kind: scope.slice(0, at) as ScopeKind, name: scope.slice(at + 1) };
}

export const scopeText = (kind: ScopeKind, name: string) => (kind === 'global' ? 'global' : `${kind}:${name}`);

// The switches that turn a flag off for everybody; a tenant's switch does so only for that tenant, so only for its flags.
export function killsOf(kills: KillSwitch[], flag: Pick<Flag, 'flagKey' | 'owner' | 'tenantId'>): KillSwitch[] {
  return kills.filter(({ scope }) => {
    const { kind, name } = parseScope(scope);
    return kind === 'global' || (kind === 'flag' && name === flag.flagKey) || (kind === 'owner' && name === flag.owner) || (kind === 'tenant' && name === flag.tenantId);
  });
}

// Flags that a switch with this scope turns off, archived ones aside: they serve nothing anyway. A tenant's switch turns
// off everything that tenant can see: flags of nobody in particular, and its own.
export function reachOf(kind: ScopeKind, name: string, flags: Flag[]): Flag[] {
  return flags.filter((flag) => {
    if (flag.state === 'ARCHIVED') return false;
    if (kind === 'global') return true;
    if (kind === 'flag') return flag.flagKey === name;
    if (kind === 'owner') return flag.owner === name;
    return flag.tenantId === undefined || flag.tenantId === name;
  });
}
