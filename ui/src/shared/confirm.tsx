// SPDX-License-Identifier: Apache-2.0
// Asking before something that matters, and saying afterwards that it happened.
import { Button, Group, Modal, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';
import { isProduction } from '../app/environment';
import { useT } from '../i18n/i18n';
import { Icon } from './icons';
import { ErrorNotice, Notice, errorText } from './ui';

type Question = {
  title: string;
  body?: ReactNode;
  confirmLabel: string;
  danger?: boolean;
  // In production a sentence says so; development asks only where `danger` is set.
  env?: string;
  // What has to be typed before the button works: for what cannot be undone.
  typed?: string;
  wide?: boolean;
};
type Ask = (question: Question) => Promise<boolean>;

const ConfirmContext = createContext<Ask>(() => Promise.resolve(false));
export const useConfirm = () => useContext(ConfirmContext);

export function ConfirmProvider({ children }: { children: ReactNode }) {
  const t = useT();
  const [open, setOpen] = useState<{ question: Question; answer: (yes: boolean) => void } | null>(null);
  const [typed, setTyped] = useState('');
  const ask = useCallback<Ask>((question) => {
    setTyped('');
    return new Promise((resolve) => setOpen({ question, answer: resolve }));
  }, []);
  const close = (yes: boolean) => {
    open?.answer(yes);
    setOpen(null);
  };
  const question = open?.question;
  const production = question?.env !== undefined && isProduction(question.env);
  const ready = question?.typed === undefined || typed === question.typed;
  return (
    <ConfirmContext.Provider value={ask}>
      {children}
      <Modal opened={open !== null} onClose={() => close(false)} title={question?.title} size={question?.wide ? 'lg' : 'md'} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) close(true);
          }}
        >
          <div style={{ display: 'grid', gap: 14 }}>
            {production ? (
              <Notice tone="bad">
                <strong>{t('confirm.production', { env: question?.env ?? '' })}</strong>
              </Notice>
            ) : null}
            {question?.body}
            {question?.typed === undefined ? null : (
              <TextInput
                label={t('confirm.type', { text: question.typed })}
                value={typed}
                onChange={(event) => setTyped(event.currentTarget.value)}
                autoComplete="off"
                data-autofocus
              />
            )}
            <Group justify="flex-end" gap="xs">
              <Button variant="default" type="button" onClick={() => close(false)}>
                {t('common.cancel')}
              </Button>
              <Button type="submit" color={question?.danger || production ? 'red' : 'blue'} disabled={!ready} data-autofocus={question?.typed === undefined || undefined}>
                {question?.confirmLabel}
              </Button>
            </Group>
          </div>
        </form>
      </Modal>
    </ConfirmContext.Provider>
  );
}

const SHOWN_MS = 6_000;
const SHOWN_WITH_UNDO_MS = 12_000;

export function useTell() {
  const t = useT();
  return useMemo(
    () => ({
      done: (message: string, undo?: () => void) => {
        const id = notifications.show({
          message: (
            <Group justify="space-between" wrap="nowrap" gap="sm">
              <span>{message}</span>
              {undo ? (
                <Button
                  size="compact-sm"
                  variant="light"
                  leftSection={<Icon name="undo" size={15} />}
                  onClick={() => {
                    notifications.hide(id);
                    undo();
                  }}
                >
                  {t('common.undo')}
                </Button>
              ) : null}
            </Group>
          ),
          color: 'teal',
          autoClose: undo ? SHOWN_WITH_UNDO_MS : SHOWN_MS,
          closeButtonProps: { 'aria-label': t('common.close') },
        });
      },
      failed: (error: unknown) => {
        const { text, detail } = errorText(error, t);
        notifications.show({
          title: t('error.title'),
          message: detail ? `${text} (${detail})` : text,
          color: 'red',
          autoClose: false,
          closeButtonProps: { 'aria-label': t('common.close') },
        });
      },
    }),
    [t],
  );
}

export { ErrorNotice };
