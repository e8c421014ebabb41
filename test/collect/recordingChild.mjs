// Records one snapshot of run argv[3] into store argv[2], and stays.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { TrajectoryRecorder } from '../../dist/collect/index.js';

const [store, id] = process.argv.slice(2);
await tf.setBackend('cpu');
await new TrajectoryRecorder({ store, id }).snapshot({ kernel: tf.fill([2, 2], 9) });
process.stdout.write('recorded\n');
setInterval(() => {}, 1000);
