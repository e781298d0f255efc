// SPDX-License-Identifier: Apache-2.0
// A moment in the reader's zone, kept as the server writes it. The browser's own field: it speaks the reader's language.
import { TextInput } from '@mantine/core';
import { useT } from '../i18n/i18n';

const two = (value: number) => String(value).padStart(2, '0');

export function localText(at: string | undefined): string {
  if (!at) return '';
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function DateTimeInput({ label, value, onChange, description }: { label: string; value: string | undefined; onChange: (value: string | undefined) => void; description?: string }) {
  const t = useT();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <TextInput
      size="xs"
      type="datetime-local"
      label={label}
      description={description}
      value={localText(value)}
      onChange={(event) => {
        const text = event.currentTarget.value;
        onChange(text ? new Date(text).toISOString() : undefined);
      }}
      title={value ? t('time.inZone', { zone, utc: value }) : t('time.zone', { zone })}
    />
  );
}
