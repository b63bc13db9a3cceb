// People who sign in, and what they do over the API behind the page's back.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

export const PASSWORD = 'correct horse battery staple';
let number = 0;

/** Somebody new of the tenant `default`; each test has its own. */
export async function addUser(server, role, { tenant = 'default' } = {}) {
  const email = `${role.replace('_', '-')}-${++number}@example.com`;
  const added = await server.cli('user', 'add', '--tenant', tenant, '--email', email, '--role', role, '--password', PASSWORD);
  return { email, id: JSON.parse(added).id };
}

/** Fills in the form of the page that is open. */
export async function fillSignIn(portal, email, password = PASSWORD) {
  await portal.page.getByLabel('Email').fill(email);
  await portal.page.getByLabel('Password', { exact: true }).fill(password);
  await portal.page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** A session over the API: { get, send } speak as that person. */
export async function signIn(server, email) {
  const answer = await fetch(`${server.base}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  const cookie = answer.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
  const { csrf_token } = await answer.json();
  const send = async (method, path, body) => {
    const response = await fetch(server.base + path, {
      method,
      headers: { cookie, 'x-csrf-token': csrf_token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  return { send, get: (path) => send('GET', path), cookie };
}

/** Gives the browser a session of this person. */
export async function enter(portal, server, email) {
  const { cookie } = await signIn(server, email);
  const url = server.base;
  await portal.context.addCookies(cookie.split('; ').map((one) => ({ name: one.slice(0, one.indexOf('=')), value: one.slice(one.indexOf('=') + 1), url })));
}

/** What an app posts about what was done in it; resolves once the rows can be read. */
export async function sendAudit(server, events) {
  const response = await fetch(`${server.base}/api/v1/audit/events`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(events) });
  assert.equal(response.status, 202, await response.clone().text());
  const { accepted, rejected } = await response.json();
  assert.deepEqual({ accepted, rejected }, { accepted: events.length, rejected: [] });
}

/** The code that an authenticator app shows (RFC 6238, SHA-1, 30 s, six digits). */
export function totp(secret, at = Date.now()) {
  const bits = [...secret.replace(/[\s=]/g, '')].map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const hash = createHmac('sha1', key).update(counter).digest();
  const offset = hash[hash.length - 1] & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
