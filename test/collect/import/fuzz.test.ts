import { testDamaged, testWrongTypes } from './fuzzing.js';

testDamaged('safetensors', 'sharded safetensors', 'npz', 'tfjs');
testWrongTypes();
