// Trains the same small network on the same digits without and with a nowcaster. Runs in the page and in Node, so that
// the test can hold the page's numbers against its own.

const TRAIN = 400;
const VALIDATION = 200;
const PIXELS = 784;
const EPOCHS = 12;

/** Digits of IDX files: images as [n, 784] from 0 to 1, labels one-hot. */
export function readDigits(tf, images, labels) {
  const count = TRAIN + VALIDATION;
  const pixels = Float32Array.from(images.subarray(16, 16 + count * PIXELS), (value) => value / 255);
  const oneHot = new Float32Array(count * 10);
  for (let i = 0; i < count; i++) oneHot[10 * i + labels[8 + i]] = 1;
  return {
    train: [
      tf.tensor2d(pixels.subarray(0, TRAIN * PIXELS), [TRAIN, PIXELS]),
      tf.tensor2d(oneHot.subarray(0, TRAIN * 10), [TRAIN, 10]),
    ],
    validation: [
      tf.tensor2d(pixels.subarray(TRAIN * PIXELS), [VALIDATION, PIXELS]),
      tf.tensor2d(oneHot.subarray(TRAIN * 10), [VALIDATION, 10]),
    ],
  };
}

/** Validation accuracy and training loss of every epoch, and the number of nowcasts. */
export async function train(tfl, digits, callbacks) {
  const kernelInitializer = tfl.initializers.glorotUniform({ seed: 7 });
  const model = tfl.sequential();
  model.add(tfl.layers.dense({ units: 16, inputShape: [PIXELS], activation: 'relu', kernelInitializer }));
  model.add(tfl.layers.dense({ units: 10, activation: 'softmax', kernelInitializer }));
  model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const { history } = await model.fit(...digits.train, {
    epochs: EPOCHS,
    batchSize: 50,
    shuffle: false,
    verbose: 0,
    validationData: digits.validation,
    callbacks,
  });
  return { loss: history.loss, accuracy: history.val_acc };
}

/** Both trainings, one after the other. */
export async function trainBoth(tf, tfl, weightForecasting, images, labels) {
  const digits = readDigits(tf, images, labels);
  const without = await train(tfl, digits, []);
  const forecasting = weightForecasting();
  const nowcasting = await train(tfl, digits, [forecasting]);
  return { without, with: nowcasting, nowcasts: forecasting.history.length };
}
