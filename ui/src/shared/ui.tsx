// SPDX-License-Identifier: Apache-2.0
// Small pieces that every page is made of.
import { ActionIcon, Button, Tooltip, type ButtonProps } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { useEffect, type ReactNode } from 'react';
import { ApiError, UnreachableError } from '../api/client';
import { useLanguage, useT, type Translate } from '../i18n/i18n';
import { Icon, type IconName } from './icons';
import styles from './shared.module.css';

export type Tone = 'ok' | 'warn' | 'bad' | 'accent' | 'plain';

export function Page({ title, lead, actions, children, wide }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode; children: ReactNode; wide?: boolean }) {
  useEffect(() => {
    if (typeof title === 'string') document.title = `${title} · Guidon`;
  }, [title]);
  return (
    <div className={styles.page} data-wide={wide || undefined}>
      <div className={styles.pageHead}>
        <div>
          <h1>{title}</h1>
          {lead ? <p>{lead}</p> : null}
        </div>
        {actions ? <div className={styles.actions}>{actions}</div> : null}
      </div>
      {children}
    </div>
  );
}

export function Card({ title, actions, children, flush, id }: { title?: ReactNode; actions?: ReactNode; children: ReactNode; flush?: boolean; id?: string }) {
  return (
    <section className={styles.card} id={id} aria-label={typeof title === 'string' ? title : undefined}>
      {title ? (
        <div className={styles.cardHead}>
          <h2>{title}</h2>
          {actions}
        </div>
      ) : null}
      {flush ? children : <div className={styles.cardBody}>{children}</div>}
    </section>
  );
}

export function Tag({ tone = 'plain', children, title }: { tone?: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={styles.tag} data-tone={tone} title={title}>
      {children}
    </span>
  );
}

export function Notice({ tone = 'plain', children, action, live }: { tone?: Tone; children: ReactNode; action?: ReactNode; live?: boolean }) {
  const icon: IconName = tone === 'bad' ? 'alert' : tone === 'warn' ? 'warning' : tone === 'ok' ? 'check' : 'info';
  return (
    <div className={styles.notice} data-tone={tone} role={live ? 'alert' : undefined}>
      <Icon name={icon} />
      <div>{children}</div>
      {action}
    </div>
  );
}

export function errorText(error: unknown, t: Translate): { text: string; detail?: string } {
  if (error instanceof UnreachableError) return { text: t('error.unreachable') };
  if (error instanceof ApiError) {
    const detail = [error.field && `${t('error.field')}: ${error.field}`, error.requestId && `${t('error.requestId')}: ${error.requestId}`]
      .filter(Boolean)
      .join(' · ');
    const known: Record<string, string> = {
      PERMISSION_DENIED: t('error.forbidden'),
      NOT_FOUND: t('error.notFound'),
      RATE_LIMITED: t('error.rateLimited'),
      UNAVAILABLE: t('error.unavailable'),
    };
    const text = known[error.code];
    return { text: text ? `${text} ${error.message}` : error.message, detail };
  }
  return { text: error instanceof Error ? error.message : String(error) };
}

export function ErrorNotice({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useT();
  const { text, detail } = errorText(error, t);
  return (
    <Notice
      tone="bad"
      live
      action={
        retry ? (
          <Button variant="default" size="xs" onClick={retry}>
            {t('common.retry')}
          </Button>
        ) : null
      }
    >
      <p>{text}</p>
      {detail ? <small>{detail}</small> : null}
    </Notice>
  );
}

export function Empty({ icon = 'flag', title, children, action }: { icon?: IconName; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <Icon name={icon} className={styles.emptyMark} size={44} />
      <h2>{title}</h2>
      {children ? <p>{children}</p> : null}
      {action}
    </div>
  );
}

export function Loading({ lines = 6 }: { lines?: number }) {
  const t = useT();
  return (
    <div className={styles.skeleton} role="status" aria-label={t('common.loading')}>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} />
      ))}
    </div>
  );
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

export function relativeTime(at: string, language: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(0, 'second');
}

// In the reader's zone; UTC under the pointer.
export function Time({ at, relative }: { at: string | undefined; relative?: boolean }) {
  const { language } = useLanguage();
  if (!at) return <span>–</span>;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <span>{at}</span>;
  const local = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(date);
  return (
    <time dateTime={at} title={relative ? `${local} · ${at.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}` : at.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}>
      {relative ? relativeTime(at, language) : local}
    </time>
  );
}

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const t = useT();
  const clipboard = useClipboard({ timeout: 1500 });
  const name = clipboard.copied ? t('common.copied') : (label ?? t('common.copy'));
  return (
    <Tooltip label={name}>
      <ActionIcon variant="subtle" color="gray" aria-label={name} onClick={() => clipboard.copy(text)}>
        <Icon name={clipboard.copied ? 'check' : 'copy'} />
      </ActionIcon>
    </Tooltip>
  );
}

export function IconButton({ icon, label, onClick, disabled, color = 'gray' }: { icon: IconName; label: string; onClick: () => void; disabled?: boolean; color?: string }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color={color} aria-label={label} onClick={onClick} disabled={disabled}>
        <Icon name={icon} />
      </ActionIcon>
    </Tooltip>
  );
}

export function DangerButton(props: ButtonProps & { onClick?: () => void; children: ReactNode; type?: 'button' | 'submit' }) {
  return <Button color="red" {...props} />;
}

export { styles as sharedStyles };
