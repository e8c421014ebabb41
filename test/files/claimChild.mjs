// Claims argv[2] argv[3] times; while it has the claim, a file of a fixed name is made that must not be there.
import { closeSync, openSync, rmSync } from 'node:fs';
import { claim } from '../../dist/files/claim.js';

const [path, times] = process.argv.slice(2);
for (let i = 0; i < Number(times); i++) {
  const release = await claim(path);
  closeSync(openSync(`${path}.inside`, 'wx'));
  await new Promise((resolve) => setTimeout(resolve, 1));
  rmSync(`${path}.inside`);
  release();
}
if (process.argv[4] === 'hang') {
  await claim(path);
  process.stdout.write('claimed\n');
  setInterval(() => {}, 1000);
}
