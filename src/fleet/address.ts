// Parses the URL of a queue. Passwords are kept separate from everything that is displayed.

import { UsageError } from '../errors.js';

/** A queue on a Redis server. */
export interface QueueAddress {
  host: string;
  port: number;
  /** Name of the queue on that server. */
  name: string;
  tls: boolean;
  username?: string;
  password?: string;
  /** For display: without user and password. */
  label: string;
}

const FORM = 'redis://HOST:PORT/NAME';
const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * Parses `redis[s]://[[USER]:PASSWORD@]HOST[:PORT]/NAME`. User and password may come from `WNN_QUEUE_USER` and
 * `WNN_QUEUE_PASSWORD` instead, which are not visible to other users of the machine.
 *
 * @throws {@link UsageError} for an invalid URL; the message does not repeat it, as it may contain a password.
 */
export function parseQueueAddress(text: string, env: NodeJS.ProcessEnv = process.env): QueueAddress {
  const refuse = (what: string, remedy: string): never => {
    throw new UsageError({ what, where: '--queue', remedy });
  };
  if (!URL.canParse(text)) refuse('not an address of a queue', `give ${FORM}, with special characters as %XX`);
  const url = new URL(text);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    refuse('not an address of a Redis server', `give ${FORM}, or rediss:// for TLS`);
  if (url.hostname === '') refuse('no host', `give ${FORM}`);
  const name = decode(url.pathname.slice(1));
  if (!NAME_PATTERN.test(name)) refuse('no name of a queue', `give ${FORM} with a NAME of letters, digits, . _ -`);
  const port = url.port === '' ? 6379 : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    host,
    port,
    name,
    tls: url.protocol === 'rediss:',
    username: decode(url.username) || env.WNN_QUEUE_USER || undefined,
    password: decode(url.password) || env.WNN_QUEUE_PASSWORD || undefined,
    label: `${url.protocol}//${url.hostname}:${port}/${name}`,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
