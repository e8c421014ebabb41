import { describe } from 'vitest';
import { describeTraining } from '../trainingCases.js';
import { webgpuAbsence } from './swiftShader.js';

const CASES = /^(convolutions|depthwise|batch|max pooling|embedding|momentum|Adam$|sparse)/;

describe.skipIf(webgpuAbsence !== null)('with an adapter', () => describeTraining('webgpu', 1e-4, CASES));
