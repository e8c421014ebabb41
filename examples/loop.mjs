// A loop of one's own, recorded for `wnn dataset`: variables by name, no model. Run: node examples/loop.mjs [STORE]
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // registers the gradients
import { TrajectoryRecorder } from 'weight-nowcaster';

await tf.setBackend('cpu');
const x = tf.randomUniform([64, 4], -1, 1, 'float32', 1);
const y = tf.sum(x, 1, true);
const weights = {
  'dense/kernel': tf.variable(tf.randomNormal([4, 1], 0, 0.1, 'float32', 2)),
  'dense/bias': tf.variable(tf.zeros([1])),
};
const optimizer = tf.train.adam(0.05);
const recorder = new TrajectoryRecorder({ store: process.argv[2] ?? 'data/loop', architecture: 'linear' });

for (let epoch = 0; epoch < 12; epoch++) {
  const loss = optimizer.minimize(
    () => tf.mean(tf.square(tf.sub(tf.add(tf.matMul(x, weights['dense/kernel']), weights['dense/bias']), y))),
    true,
  );
  await recorder.snapshot(weights, { loss: (await loss.data())[0] });
}
const { id, status, snapshotsRecorded } = await recorder.finish();
console.log(`${id}: ${status}, ${snapshotsRecorded} snapshots`);
