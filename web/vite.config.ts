import { promises as fs } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

const gzip = promisify(gzipCallback);
const TEXT = /\.(html|js|css|svg|json|txt)$/;

/** Writes `x.gz` beside every text asset, so that the binary serves compressed bytes without compressing anything itself. */
function gzipAssets(): Plugin {
  let outDir = 'dist';
  return {
    name: 'gzip-assets',
    apply: 'build',
    configResolved(config) {
      outDir = path.resolve(config.root, config.build.outDir);
    },
    async closeBundle() {
      const files = await fs.readdir(outDir, { recursive: true });
      let total = 0;
      for (const name of files.filter((file) => TEXT.test(file))) {
        const file = path.join(outDir, name);
        const packed = await gzip(await fs.readFile(file), { level: 9 });
        await fs.writeFile(`${file}.gz`, packed);
        total += packed.length;
      }
      console.log(`gzip: ${(total / 1024).toFixed(1)} KB in total`);
    },
  };
}

export default defineConfig({
  plugins: [svelte(), gzipAssets()],
  build: {
    target: 'es2022',
    // Both would put content where the strict CSP refuses it: data: URIs and inline module code.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npm run dev` against a running `activitylog serve`.
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});
