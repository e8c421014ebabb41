// The Python that tests may use: Debian's with numpy and pytest (.ci/run installs both), or what the path has.

import { execFileSync } from 'node:child_process';

/** A Python that imports all of these modules; undefined where there is none, and tests skip. */
export function findPython(...modules: string[]): string | undefined {
  return ['/usr/bin/python3', 'python3'].find((command) => {
    try {
      execFileSync(command, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}
