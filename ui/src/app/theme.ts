// SPDX-License-Identifier: Apache-2.0
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const blue: MantineColorsTuple = ['#eef3fc', '#d9e4f8', '#b3c9f0', '#8badea', '#6794e3', '#4a80dd', '#2f6cd4', '#2059b8', '#1b4d9f', '#163f84'];
const red: MantineColorsTuple = ['#fdecec', '#f9d6d5', '#f0aeac', '#e78480', '#de5f5a', '#d74843', '#c93530', '#b3261e', '#96201a', '#7a1a15'];
const dark: MantineColorsTuple = ['#dde3ea', '#b9c3ce', '#9aa6b4', '#6b7785', '#3a4450', '#2d3540', '#232a33', '#1a1f26', '#12161b', '#0d1014'];

export const theme = createTheme({
  colors: { blue, red, dark },
  primaryColor: 'blue',
  primaryShade: { light: 7, dark: 7 },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", "Hiragino Sans", "Hiragino Kaku Gothic ProN", "Noto Sans JP", "Noto Sans CJK JP", "Yu Gothic UI", Meiryo, sans-serif',
  fontFamilyMonospace: 'var(--g-mono)',
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.35rem' }, h2: { fontSize: '1.05rem' }, h3: { fontSize: '0.95rem' } } },
  respectReducedMotion: true,
  components: {
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.45 }, transitionProps: { duration: 120 } } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    Select: { defaultProps: { checkIconPosition: 'right', allowDeselect: false } },
    Button: { defaultProps: { size: 'sm' } },
  },
});

// Mantine's own greys miss AA on our grounds.
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#1a232e',
    '--mantine-color-dimmed': '#56616e',
    '--mantine-color-placeholder': '#67727f',
    '--mantine-color-error': '#b01e1e',
    '--mantine-color-default-border': '#c3cad3',
    '--mantine-color-anchor': '#1f57b3',
  },
  dark: {
    '--mantine-color-body': '#1a1f26',
    '--mantine-color-text': '#dde3ea',
    '--mantine-color-dimmed': '#9aa6b4',
    '--mantine-color-placeholder': '#8b97a5',
    '--mantine-color-error': '#ff9d98',
    '--mantine-color-default-border': '#3f4a57',
    '--mantine-color-anchor': '#82b1ff',
  },
});
