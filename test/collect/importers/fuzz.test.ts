import { testDamaged, testWrongTypes } from './fuzzing.js';

testDamaged('safetensors', 'npz', 'tfjs');
testWrongTypes();
