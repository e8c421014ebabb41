// The long check of fleets on hosts of their own: Redis with TLS and a password, three workers, one with a clock that is ten
// minutes off. A worker is cut off for longer than its lock, Redis is unreachable, and the store disappears from a worker and
// comes back. The plan must complete, and the store equal that of a single process, file for file.
//
//   npm run verify:partitions [-- --outage 300]
//
// Needs the build, root, and Debian's redis-server, iproute2, util-linux, openssl and faketime.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CLI, filesOf, startWnn } from '../test/fleet/killing.js';
import { NO_REDIS } from '../test/fleet/redis.js';
import { type HostCommand, makeHosts } from './fleetHosts.js';

const RUNS = 80;
const PLAN = `
tasks: [mnist/mlp, mnist/lenet]
runs: ${RUNS}
epochs: 14
seed: 22
batchSizes: [16, 32]
trainExamples: 320
validationExamples: 64
width: 0.25
`;
const PASSWORD = 'open-sesame';
const PORT = '6390';
const LOCK_SECONDS = 5;
const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

const { values } = parseArgs({ options: { outage: { type: 'string', default: '300' } } });
const outage = Number(values.outage);

function fail(why: string): never {
  throw new Error(why);
}

if (NO_REDIS) fail(NO_REDIS);
if (process.getuid?.() !== 0) fail('needs root, for network namespaces and mounts');
if (!existsSync(FAKETIME)) fail(`no ${FAKETIME} (Debian: apt-get install faketime)`);

const directory = mkdtempSync(join(tmpdir(), 'wnn-verify-partitions-'));
const shared = join(directory, 'shared');
mkdirSync(shared);
writeFileSync(join(shared, 'plan.yaml'), PLAN);
const begin = performance.now();
const say = (text: string) =>
  process.stdout.write(`${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);

/** A certificate for an address, signed by an authority of its own. Returns the files. */
function certify(address: string) {
  const file = (name: string) => join(directory, name);
  // Made yesterday: a clock that is late refuses a certificate of now, and rightly.
  const openssl = (...words: string[]) =>
    execFileSync('faketime', ['-f', '-1d', 'openssl', ...words], { stdio: 'pipe' });
  const key = (name: string) => ['-newkey', 'rsa:2048', '-nodes', '-keyout', file(`${name}.key`)];
  openssl('req', '-x509', ...key('ca'), '-out', file('ca.crt'), '-days', '3', '-subj', '/CN=authority');
  openssl('req', ...key('redis'), '-out', file('redis.csr'), '-subj', '/CN=redis');
  writeFileSync(file('names'), `subjectAltName=IP:${address}\n`);
  const authority = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial'];
  const names = ['-extfile', file('names')];
  openssl('x509', '-req', '-in', file('redis.csr'), ...authority, ...names, '-out', file('redis.crt'), '-days', '3');
  return { authority: file('ca.crt'), certificate: file('redis.crt'), key: file('redis.key') };
}

let workers: HostCommand[] = [];
const told = () => workers.map(({ output }, i) => `--- worker ${i + 1}\n${output}`).join('\n');

/** Waits until a condition holds, for three minutes at most. */
async function until(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 1800) fail(`waited in vain for ${what}\n${told()}`);
    await sleep(100);
  }
}

const count = ({ output }: HostCommand, pattern: RegExp) => output.match(new RegExp(pattern, 'gm'))?.length ?? 0;
const STARTED = /: started$/;
const ENDED = /: (done in .* s|already done|returned to the queue)$/;

const command = ['collect', '--plan', 'plan.yaml', '--engine', 'wasm', '--json', '--store'];
const { hosts, remove } = makeHosts(5, directory, shared);
try {
  const [server, head, ...others] = hosts;
  const { authority, certificate, key } = certify(server.address);
  const tls = [
    '--tls-port',
    PORT,
    '--tls-cert-file',
    certificate,
    '--tls-key-file',
    key,
    '--tls-ca-cert-file',
    authority,
  ];
  const words = ['--port', '0', '--bind', server.address, '--tls-auth-clients', 'no', '--dir', directory];
  server.start(['redis-server', ...tls, ...words, '--appendonly', 'yes', '--save', '', '--requirepass', PASSWORD]);
  const queue = ['--queue', `rediss://${server.address}:${PORT}/partitions`];
  const env = { WNN_QUEUE_PASSWORD: PASSWORD, NODE_EXTRA_CA_CERTS: authority };
  await sleep(1000);

  const clock = { LD_PRELOAD: FAKETIME, FAKETIME: '-10m', FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1' };
  workers = others.map((host, i) => {
    const root = ['--root', host.mountPoint, '--lock-seconds', String(LOCK_SECONDS)];
    return host.start([process.execPath, CLI, 'worker', ...queue, ...root], { ...env, ...(i === 2 && clock) });
  });
  const inShared = ['sh', '-ec', 'cd "$0"; exec "$@"', head.mountPoint];
  const plan = head.start([...inShared, process.execPath, CLI, ...command, 'fleet', ...queue], env);
  const [cutOff, storeless, late] = workers;
  const ended = Promise.race(workers.map(({ ended }, i) => ended.then(() => fail(`worker ${i + 1} left\n${told()}`))));
  ended.catch(() => {});
  const during = <T>(work: Promise<T>) => Promise.race([work, ended]) as Promise<T>;

  await during(until('a job on every worker', () => workers.every((worker) => count(worker, STARTED) > 0)));
  say('every worker has a job; worker 3 is ten minutes late');

  const started = count(cutOff, STARTED);
  await during(until('another job', () => count(cutOff, STARTED) > started));
  others[0].cut();
  say(`worker 1 is cut off while it has a job, for ${4 * LOCK_SECONDS} s`);
  await during(sleep(4000 * LOCK_SECONDS));
  others[0].heal();
  const before = count(cutOff, ENDED);
  await during(until('worker 1 to go on', () => count(cutOff, ENDED) > before + 1 || plan.child.exitCode !== null));
  say('worker 1 is back and goes on');

  if (plan.child.exitCode !== null) fail('the plan was done before Redis was cut off; give more work');
  server.cut();
  say(`Redis is unreachable for ${outage} s`);
  await during(sleep(1000 * outage));
  const done = workers.reduce((sum, worker) => sum + count(worker, ENDED), 0);
  server.heal();
  await during(
    until('a job after it', () => workers.reduce((sum, worker) => sum + count(worker, ENDED), 0) > done + 2),
  );
  say('Redis is back, and the workers go on');

  if (plan.child.exitCode !== null) fail('the plan was done before the store disappeared; give more work');
  others[1].unmount(storeless);
  await during(until('worker 2 to miss the store', () => / is gone; waiting for it$/m.test(storeless.output)));
  say('the store disappeared from worker 2, which waits for it');
  await during(sleep(5000));
  const strays = filesOf(others[1].mountPoint);
  others[1].mount(storeless);
  await during(until('worker 2 to go on', () => / is back$/m.test(storeless.output) || plan.child.exitCode !== null));
  say('the store is back at worker 2');

  const status = await during(plan.ended);
  if (status !== 0) fail(`the plan did not complete (status ${status}): ${plan.output}\n${told()}`);
  if (count(late, ENDED) === 0) fail('the late worker did nothing');
  if (strays.size > 0) fail(`written where the store was not: ${[...strays.keys()].join(', ')}`);
  say(`the plan is complete: ${workers.map((worker) => count(worker, STARTED)).join(' + ')} attempts`);
} finally {
  remove();
}

say('a single process');
const single = startWnn(shared, [...command, 'single', '--workers', '2']);
if ((await single.ended) !== 0) fail(single.err);
const expected = filesOf(join(shared, 'single'));
const files = filesOf(join(shared, 'fleet'));
const names = [...new Set([...expected.keys(), ...files.keys()])];
const different = names.filter((name) => expected.get(name) !== files.get(name));
say(`${files.size} files of ${RUNS} runs; ${different.length} differ from the single process's`);
if (different.length > 0) fail(`different, missing or doubled:\n${different.join('\n')}\nin ${directory}`);
rmSync(directory, { recursive: true, force: true });
