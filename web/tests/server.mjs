// The server under test: the real binary on free ports with a data directory of its own, or one that already runs
// ($ACTIVITYLOG_BASE with $ACTIVITYLOG_OTLP; its tenant must be empty, the first test says so. Tests that add people need its
// $ACTIVITYLOG_DATA_DIR as well).
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const READY_MS = 60_000;
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const BINARY = path.resolve(ROOT, process.env.ACTIVITYLOG_BIN ?? '../target/debug/activitylog');
const asUrl = (address) => (address.startsWith('http') ? address : `http://${address}`);

/** Runs a command of the binary on a data directory and gives what it prints. */
async function run(dataDir, args) {
  const { stdout } = await promisify(execFile)(BINARY, args, { env: { ...process.env, ACTIVITYLOG_DATA_DIR: dataDir } });
  return stdout;
}

/** Returns { base, otlp, cli(...args), stop }. `settings`: environment beside the usual. */
export async function startServer(settings = {}) {
  const { ACTIVITYLOG_BASE, ACTIVITYLOG_OTLP, ACTIVITYLOG_DATA_DIR } = process.env;
  if (ACTIVITYLOG_BASE) {
    return { base: ACTIVITYLOG_BASE, otlp: ACTIVITYLOG_OTLP ?? ACTIVITYLOG_BASE, cli: (...args) => run(ACTIVITYLOG_DATA_DIR, args), stop: async () => {} };
  }

  const dataDir = await mkdtemp(path.join(tmpdir(), 'activitylog-web-'));
  const child = spawn(BINARY, ['serve'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      ACTIVITYLOG_DATA_DIR: dataDir,
      ACTIVITYLOG_LISTEN_GRPC: '127.0.0.1:0',
      ACTIVITYLOG_LISTEN_OTLP_HTTP: '127.0.0.1:0',
      ACTIVITYLOG_LISTEN_HTTP: '127.0.0.1:0',
      ...settings,
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
    const running = await readRun(path.join(dataDir, 'run.json'), child);
    return { base: asUrl(running.http), otlp: asUrl(running.otlp_http), cli: (...args) => run(dataDir, args), stop };
  } catch (error) {
    await stop();
    throw new Error(`${BINARY} did not get ready: ${error.message}\n${log}`);
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
