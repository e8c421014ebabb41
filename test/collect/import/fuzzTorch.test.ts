import { testDamaged } from './fuzzing.js';

testDamaged('torch', 'torch arrays');
