// SPDX-License-Identifier: Apache-2.0
// Words for what the contract names.
import type { Translate } from '../i18n/i18n';
import { messages, type MessageKey } from '../i18n/messages';

function known(prefix: string, name: string): MessageKey | undefined {
  const key = `${prefix}.${name}`;
  return Object.hasOwn(messages, key) ? (key as MessageKey) : undefined;
}

// "targetingRules[beta].when" → "Rules › beta"
export function attributeLabel(path: string, t: Translate): string {
  const moved = path.endsWith(' ⇅');
  const [first = '', ...rest] = path.replace(' ⇅', '').split(/[.[\]]+/).filter(Boolean);
  const key = known('attribute', first);
  const parts = [key ? t(key) : first, ...rest.slice(0, 1)];
  return parts.join(' › ') + (moved ? ` (${t('diff.order')})` : '');
}

export function actionLabel(action: string, t: Translate): string {
  const key = known('action', action);
  return key ? t(key) : action;
}

export function findingLabel(code: string, message: string, t: Translate): string {
  const key = known('finding', code);
  return key ? t(key) : message;
}

export function stepLabel(step: string, t: Translate): string {
  const key = known('step', step);
  return key ? t(key) : step;
}

export function operatorLabel(operator: string, t: Translate): string {
  const key = known('operator', operator);
  return key ? t(key) : operator;
}

export function reasonLabel(reason: string, t: Translate): string {
  const key = known('reason', reason);
  return key ? t(key) : reason;
}
