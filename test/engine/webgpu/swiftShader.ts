// Lets tests of webgpu run without a GPU, on the Vulkan driver that Debian's chromium carries.

import { existsSync } from 'node:fs';
import { surveyAdapters } from '../../../src/engine/webgpu/adapters.js';

const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';

if (existsSync(DRIVER)) process.env.VK_ICD_FILENAMES ??= DRIVER;

/** Why webgpu cannot be tested here; `null` when it can. */
export const webgpuAbsence: string | null = (await surveyAdapters()).reason;

if (webgpuAbsence !== null) console.warn(`webgpu is not tested: ${webgpuAbsence}`);
