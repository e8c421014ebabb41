import { testDamaged } from './fuzzing.js';

testDamaged('h5', 'weights.h5', 'keras', 'mat');
