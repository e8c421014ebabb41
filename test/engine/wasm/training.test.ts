import { describeTraining } from '../trainingCases.js';

describeTraining('wasm');
