// Preloaded (node --import) into a process and its children: kills it right before its n-th change of the file system.
// WNN_KILL_AT=n; WNN_KILL_CALLS names the functions of node:fs that count, by default those that give files their place.
// WNN_KILL_ONLY takes only processes or threads whose entry holds that text. WNN_COUNT_TO appends the count at the exit.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const calls = (process.env.WNN_KILL_CALLS ?? 'renameSync').split(',');
const at = Number(process.env.WNN_KILL_AT ?? 0);
const only = process.env.WNN_KILL_ONLY;
const applies = only === undefined || process.argv.some((word) => word.includes(only));
let count = 0;
if (applies) {
  for (const name of calls) {
    const original = fs[name];
    fs[name] = (...given) => {
      if (++count === at) process.kill(process.pid, 'SIGKILL');
      return original(...given);
    };
  }
  syncBuiltinESMExports();
  const { WNN_COUNT_TO } = process.env;
  if (WNN_COUNT_TO) process.on('exit', () => fs.appendFileSync(WNN_COUNT_TO, `${count}\n`));
}
