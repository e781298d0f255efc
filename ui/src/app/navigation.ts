// SPDX-License-Identifier: Apache-2.0
import type { MessageKey } from '../i18n/messages';
import type { IconName } from '../shared/icons';
import type { Permission } from './Session';

export type Destination = { path: string; label: MessageKey; icon: IconName; needs: Permission; hotkey: string };

// What a credential may not see is not offered. `g` and the letter lead there.
export const DESTINATIONS: Destination[] = [
  { path: 'overview', label: 'nav.overview', icon: 'overview', needs: 'flags:read', hotkey: 'o' },
  { path: 'flags', label: 'nav.flags', icon: 'flag', needs: 'flags:read', hotkey: 'f' },
  { path: 'kill-switches', label: 'nav.killSwitches', icon: 'power', needs: 'kill:read', hotkey: 'k' },
  { path: 'segments', label: 'nav.segments', icon: 'segment', needs: 'segments:read', hotkey: 's' },
  { path: 'tenants', label: 'nav.tenants', icon: 'tenant', needs: 'tenants:read', hotkey: 't' },
  { path: 'keys', label: 'nav.keys', icon: 'key', needs: 'keys:read', hotkey: 'a' },
  { path: 'audit', label: 'nav.audit', icon: 'audit', needs: 'audit:read', hotkey: 'l' },
  { path: 'system', label: 'nav.system', icon: 'system', needs: 'system:read', hotkey: 'h' },
];
