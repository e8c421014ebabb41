// Replaces the directory argv[2] by one that holds argv[3], argv[4] times.
import { replaceDirectory } from '../../dist/files/directory.js';

const [path, text, times = '1'] = process.argv.slice(2);
const bytes = (name) => new TextEncoder().encode(`${text} ${name}`);
for (let i = 0; i < Number(times); i++)
  replaceDirectory(path, { 'one.txt': bytes('one'), 'in/two.txt': bytes('two') }, () => {});
