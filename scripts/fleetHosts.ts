// Hosts of a test's own on one machine: network namespaces on a bridge, whose cables can be pulled, each with a mount of the
// shared directory that can disappear. Needs root, and Debian's iproute2 and util-linux.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const run = (command: string, ...words: string[]) =>
  execFileSync(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });

/** A command on a host. */
export interface HostCommand {
  child: ChildProcess;
  /** Everything that it has written so far. */
  output: string;
  /** Its exit status; null when a signal ended it. */
  ended: Promise<number | null>;
}

/** A host: its address, and what can happen to it. */
export class Host {
  readonly address: string;
  /** Where it sees the shared directory. */
  readonly mountPoint: string;
  readonly #namespace: string;
  readonly #cable: string;
  readonly #shared: string;
  readonly #commands: ChildProcess[] = [];

  /** @param number from 1 to 250; distinguishes the hosts of one bridge. */
  constructor(bridge: string, number: number, directory: string, shared: string) {
    this.address = `10.77.0.${number}`;
    this.mountPoint = join(directory, `host-${number}`);
    this.#namespace = `${bridge}-${number}`;
    this.#cable = `${bridge}c${number}`;
    this.#shared = shared;
    mkdirSync(this.mountPoint);
    const inside = `${bridge}i${number}`;
    run('ip', 'netns', 'add', this.#namespace);
    run('ip', 'link', 'add', this.#cable, 'type', 'veth', 'peer', 'name', inside, 'netns', this.#namespace);
    run('ip', 'link', 'set', this.#cable, 'master', bridge, 'up');
    run('ip', '-n', this.#namespace, 'address', 'add', `${this.address}/24`, 'dev', inside);
    run('ip', '-n', this.#namespace, 'link', 'set', inside, 'up');
    run('ip', '-n', this.#namespace, 'link', 'set', 'lo', 'up');
  }

  /** Starts a command, with the shared directory at {@link mountPoint}. */
  start(words: readonly string[], env: Record<string, string> = {}): HostCommand {
    const mounted = 'mount --bind "$0" "$1"; shift; exec "$@"';
    const inside = ['unshare', '--mount', 'sh', '-ec', mounted, this.#shared, this.mountPoint, ...words];
    const child = spawn('ip', ['netns', 'exec', this.#namespace, ...inside], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const command: HostCommand = { child, output: '', ended };
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        command.output += chunk;
      });
    this.#commands.push(child);
    return command;
  }

  /** Nothing reaches the host any more, and nothing is told. */
  cut(): void {
    run('ip', 'link', 'set', this.#cable, 'down');
  }

  heal(): void {
    run('ip', 'link', 'set', this.#cable, 'up');
  }

  /** The shared directory disappears from a command's sight: its mount point is empty. */
  unmount({ child }: HostCommand): void {
    run('nsenter', `--mount=/proc/${child.pid}/ns/mnt`, 'umount', '--lazy', this.mountPoint);
  }

  mount({ child }: HostCommand): void {
    run('nsenter', `--mount=/proc/${child.pid}/ns/mnt`, 'mount', '--bind', this.#shared, this.mountPoint);
  }

  remove(): void {
    for (const child of this.#commands) child.kill('SIGKILL');
    run('ip', 'netns', 'delete', this.#namespace);
  }
}

/** Makes hosts that reach each other; `remove` ends all that they run. */
export function makeHosts(count: number, directory: string, shared: string): { hosts: Host[]; remove(): void } {
  const bridge = `wnn${process.pid}`;
  run('ip', 'link', 'add', bridge, 'type', 'bridge');
  run('ip', 'link', 'set', bridge, 'up');
  const hosts: Host[] = [];
  const remove = () => {
    for (const host of hosts) host.remove();
    run('ip', 'link', 'delete', bridge);
  };
  try {
    for (let number = 1; number <= count; number++) hosts.push(new Host(bridge, number, directory, shared));
  } catch (error) {
    remove();
    throw error;
  }
  return { hosts, remove };
}
