// A Redis of a test's own: Debian's redis-server, append-only file on, on a free port of the loopback interface.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const SERVER = '/usr/bin/redis-server';

/** Why tests with a Redis cannot run here; false when they can. */
export const NO_REDIS = existsSync(SERVER) ? false : `no ${SERVER} (Debian: apt-get install redis-server)`;

/** A server that can be killed and started again. */
export interface RedisServer {
  port: number;
  /** Address of a queue on it, without its password. */
  urlOf(queue: string): string;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again, from its append-only file. */
  restart(): Promise<void>;
}

async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Starts a server that keeps its file in `directory`. */
export async function startRedis(directory: string, password?: string): Promise<RedisServer> {
  const port = await findPort();
  let child: ChildProcess;
  const restart = async () => {
    const words = ['--port', port, '--bind', '127.0.0.1', '--dir', directory, '--appendonly', 'yes', '--save', ''];
    if (password !== undefined) words.push('--requirepass', password);
    child = spawn(SERVER, words.map(String), { stdio: 'ignore' });
    for (let tries = 0; !(await answers(port)); tries++) {
      if (tries > 200) throw new Error('redis-server does not answer');
      await sleep(50);
    }
  };
  await restart();
  return {
    port,
    urlOf: (queue) => `redis://127.0.0.1:${port}/${queue}`,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
    restart,
  };
}
