#!/usr/bin/env node
// The `wnn` program.

import { hideBin } from 'yargs/helpers';
import { runCommandLine } from './commandLine.js';

process.exitCode = await runCommandLine(hideBin(process.argv));
