// SPDX-License-Identifier: Apache-2.0
// Line icons, drawn on a grid of 24 in the colour of the text around them.
const PATHS = {
  flag: 'M5 21V4m0 1h13l-3 4 3 4H5',
  overview: 'M4 13h7V4H4zm9 7h7v-9h-7zM4 20h7v-4H4zm9-13h7V4h-7z',
  power: 'M12 3v9m5.7-5.7a8 8 0 1 1-11.4 0',
  segment: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7m-6 9c0-3.5 2.7-6 6-6s6 2.500 6 6m1-15.700a3.500 3.500 0 0 1 0 6.500M17.500 14.500c2.100.7 3.500 2.800 3.500 5.500',
  tenant: 'M4 21V5l8-2v18m0-12 8 2.500V21M2.500 21h19M7 8h2m-2 4h2m-2 4h2m7-2h1m-1 3h1',
  key: 'M14.500 9.500a4.500 4.500 0 1 1-4.300 6H8v3H5v-3H2.500v-2.800h7.700a4.500 4.500 0 0 1 4.300-3.200m.5 4.500h.01',
  audit: 'M6 3h9l4 4v14H6zm8 0v5h5M9 12h7m-7 4h7',
  system: 'M4 5h16v6H4zm0 8h16v6H4zm3-5h.01M7 16h.01M12 8h5m-5 8h5',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14m5-2 5 5',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'm5 12.500 4.500 4.500L19 7.500',
  warning: 'M12 4 2.500 20h19zm0 6v5m0 2.500v.01',
  alert: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18m0-13v5m0 3v.01',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18m0-10v5m0-8v.01',
  copy: 'M9 9h11v11H9zM15 9V4H4v11h5',
  drag: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  up: 'm6 15 6-6 6 6',
  down: 'm6 9 6 6 6-6',
  right: 'm9 6 6 6-6 6',
  trash: 'M4 7h16M9 7V4h6v3m3 0-1 13H7L6 7m4 4v5m4-5v5',
  edit: 'M4 20h4L19 9l-4-4L4 16zm9-13 4 4',
  undo: 'M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3',
  sun: 'M12 16.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9M12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.400 1.400m11.200 11.200L19 19M5 19l1.400-1.400M17.600 6.400 19 5',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500',
  menu: 'M4 6h16M4 12h16M4 18h16',
  more: 'M12 6h.01M12 12h.01M12 18h.01',
  globe: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M3 12h18M12 3c2.500 2.700 3.700 5.700 3.700 9s-1.200 6.300-3.700 9c-2.500-2.700-3.700-5.700-3.700-9S9.500 5.700 12 3',
  logout: 'M10 4H5v16h5m4-12 4 4-4 4m4-4H9',
  play: 'M7 4.500v15l12-7.500z',
  lock: 'M6 11h12v9H6zm2.500 0V7.500a3.500 3.500 0 0 1 7 0V11',
  columns: 'M4 5h16v14H4zm5.500 0v14m5-14v14',
  archive: 'M3.500 4h17v5h-17zM5 9v11h14V9m-9 4h4',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18m0-14v5l3.500 2',
  split: 'M12 21v-7m0 0C12 10 5 10 5 4m7 10c0-4 7-4 7-10M2.500 6.500 5 4l2.500 2.500m9 0L19 4l2.500 2.500',
  group: 'M8 4H5v16h3m8-16h3v16h-3',
  offline: 'M3 3l18 18M8.500 15.500a5 5 0 0 1 7 0M5 12a10 10 0 0 1 4-2.400m6 .1A10 10 0 0 1 19 12M2 8.500A15 15 0 0 1 7 5.600m4-.9c4-.2 8 1.200 11 3.800M12 19h.01',
  download: 'M12 4v11m-5-5 5 5 5-5M4 20h16',
  refresh: 'M20 11a8 8 0 0 0-14.300-4L4 8.500M4 4v4.500h4.500M4 13a8 8 0 0 0 14.300 4l1.700-1.500m0 4.500v-4.500h-4.500',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18, className }: { name: IconName; size?: number; className?: string | undefined }) {
  const dots = name === 'drag' || name === 'more';
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={dots ? 2.6 : 1.7}
      strokeLinecap="round"
      strokeLinejoin="round"
      className={className}
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
