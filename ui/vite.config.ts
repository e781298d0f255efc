// SPDX-License-Identifier: Apache-2.0
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// Where `npm run dev` finds a running server.
const server = process.env.GUIDON_URL ?? 'http://127.0.0.1:3001';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // Everything is a file of this server with a hash in its name: the content policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      output: {
        // What changes with a library's release only, apart from what changes with ours.
        manualChunks: (id) => (/node_modules\/(react|react-dom|react-router|scheduler)\//.test(id) ? 'react' : undefined),
      },
    },
  },
  // By number: not every build machine can look `localhost` up.
  server: { host: '127.0.0.1', proxy: { '/api': server, '/readyz': server, '/metrics': server, '/openapi.json': server } },
  test: {
    environment: 'jsdom',
    api: { host: '127.0.0.1' },
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test/setup.ts'],
    // Property tests, on a machine that does other things too.
    testTimeout: 180_000,
  },
});
