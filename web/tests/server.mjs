// The server under test: the real binary on free ports with a data directory of its own, or one that already runs
// ($ACTIVITYLOG_BASE with $ACTIVITYLOG_OTLP; its tenant must be empty, the first test says so).
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const READY_MS = 60_000;
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const asUrl = (address) => (address.startsWith('http') ? address : `http://${address}`);

/** Returns { base, otlp, stop }. */
export async function startServer() {
  const { ACTIVITYLOG_BASE, ACTIVITYLOG_OTLP } = process.env;
  if (ACTIVITYLOG_BASE) return { base: ACTIVITYLOG_BASE, otlp: ACTIVITYLOG_OTLP ?? ACTIVITYLOG_BASE, stop: async () => {} };

  const binary = path.resolve(ROOT, process.env.ACTIVITYLOG_BIN ?? '../target/debug/activitylog');
  const dataDir = await mkdtemp(path.join(tmpdir(), 'activitylog-web-'));
  const child = spawn(binary, ['serve'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      ACTIVITYLOG_DATA_DIR: dataDir,
      ACTIVITYLOG_LISTEN_GRPC: '127.0.0.1:0',
      ACTIVITYLOG_LISTEN_OTLP_HTTP: '127.0.0.1:0',
      ACTIVITYLOG_LISTEN_HTTP: '127.0.0.1:0',
    },
  });
  let log = '';
  child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-8000)));
  const exited = new Promise((resolve) => child.once('close', resolve));
  child.once('error', (error) => (log += `\n${error.message}`));

  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const run = await readRun(path.join(dataDir, 'run.json'), child);
    return { base: asUrl(run.http), otlp: asUrl(run.otlp_http), stop };
  } catch (error) {
    await stop();
    throw new Error(`${binary} did not get ready: ${error.message}\n${log}`);
  }
}

/** run.json appears when every listener is up. */
async function readRun(file, child) {
  for (const end = Date.now() + READY_MS; Date.now() < end; ) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error('it ended');
    const run = await readFile(file, 'utf8').then(JSON.parse).catch(() => null);
    if (run?.http) return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no run.json within ${READY_MS / 1000} s`);
}
