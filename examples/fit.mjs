// A training with the callback: it replaces the weights by forecasts now and then. Run: node examples/fit.mjs
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { WeightForecasting } from 'weight-nowcaster';

await tf.setBackend('cpu');
const x = tf.randomUniform([128, 8], -1, 1, 'float32', 1);
const y = tf.sum(tf.square(x), 1, true);
const model = tfl.sequential({
  layers: [tfl.layers.dense({ units: 16, activation: 'tanh', inputShape: [8] }), tfl.layers.dense({ units: 1 })],
});
model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });

const nowcasting = await WeightForecasting.load();
await model.fit(x, y, { epochs: 15, verbose: 0, callbacks: [nowcasting] });
for (const { epoch, outcome, scalars } of nowcasting.history)
  console.log(`epoch ${epoch}: ${outcome}, ${scalars.fc + scalars.bias} weights`);
await nowcasting.dispose();
