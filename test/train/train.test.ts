// The train stage as a whole, on small samples and the float64 reference as its engine: metrics, interruptions,
// rollbacks, early stopping.

import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WnnError } from '../../src/errors.js';
import type { NowcasterSpec } from '../../src/network/spec.js';
import { checkTrainingRecord } from '../../src/nowcaster/checkTraining.js';
import { DEFAULT_KINDS, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { decodeWeights } from '../../src/nowcaster/weightsFile.js';
import { Random } from '../../src/random.js';
import { type MetricsLine, planTraining, type TrainOptions, trainNowcaster } from '../../src/train/index.js';
import { referenceForward } from '../families/wnn/reference.js';
import { createReferenceCompute, drawLaw, makeDirectory, scaleOf, writeSamples } from './fixtures.js';

/** A small variant, so that the plain float64 loops are quick. */
const SMALL: NowcasterSpec = { ...PAPER_SPEC, config: { streams: 'values', activation: 'relu' } };

let dir: string;
let dispose: () => void;
beforeEach(() => {
  ({ dir, dispose } = makeDirectory());
});
afterEach(() => dispose());

function optionsFor(out: string, more: Partial<TrainOptions> = {}): TrainOptions {
  return {
    samples: join(dir, 'samples'),
    out: join(dir, out),
    config: { streams: 'values', activation: 'relu' },
    openCompute: async (spec) => createReferenceCompute(spec),
    batchSize: 64,
    epochs: 3,
    learningRate: 0.01,
    ...more,
  };
}

/** Every file under a directory, by its path, as a digest. */
function digestFiles(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((f) =>
    statSync(join(root, f)).isFile(),
  );
  return Object.fromEntries(
    files.toSorted().map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(root, file)))
        .digest('hex'),
    ]),
  );
}

function readMetrics(out: string, kind: string): MetricsLine[] {
  const lines = readFileSync(join(dir, out, kind, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line));
}

describe('trainNowcaster', () => {
  it('clips training targets where it is told to, and held-out ones never', async () => {
    writeSamples(join(dir, 'samples'), { train: [64], val: [50] });
    // The spread of the law's targets is about 0.1: most of them lie beyond 0.01.
    const seen: number[][] = [];
    const openCompute = async (spec: NowcasterSpec) => {
      const compute = createReferenceCompute(spec);
      const { lossAndGradients } = compute;
      compute.lossAndGradients = (parameters, windows, targets, count, loss, gradients) => {
        seen.push([...targets.subarray(0, count)]);
        return lossAndGradients(parameters, windows, targets, count, loss, gradients);
      };
      return compute;
    };
    const once = { kinds: ['fc' as const], epochs: 1, openCompute };
    const clipped = await trainNowcaster(optionsFor('clipped', { ...once, clipTarget: 0.01 }));
    const plain = await trainNowcaster(optionsFor('plain', once));
    expect(seen).toHaveLength(2);
    expect(seen[0]).toEqual(seen[1].map((target) => Math.max(-Math.fround(0.01), Math.min(Math.fround(0.01), target))));
    expect(seen[1].filter((target) => Math.abs(target) > 0.01).length).toBeGreaterThan(32);
    const records = [clipped, plain].map(({ record }) => record.kinds.fc!);
    expect(records[0].validation.noChange).toBe(records[1].validation.noChange);
    expect(records.map(({ settings }) => settings.clipTarget)).toEqual([0.01, null]);
    await expect(trainNowcaster(optionsFor('plain', { ...once, clipTarget: 1 }))).rejects.toThrow(
      /clipTarget is null there, 1 here/,
    );
  });

  it('leaves for each kind the best network and its true held-out errors', async () => {
    const spec = { ...SMALL, horizons: [2, 5] };
    writeSamples(join(dir, 'samples'), { spec });
    const { record, recordPath } = await trainNowcaster(optionsFor('out'));
    expect(checkTrainingRecord(JSON.parse(readFileSync(recordPath, 'utf8')), recordPath)).toEqual(record);
    expect(Object.keys(record.kinds)).toEqual(['conv', 'fc', 'bias']);
    expect(record.spec).toEqual(spec);
    for (const kind of DEFAULT_KINDS) {
      const training = record.kinds[kind]!;
      const bytes = readFileSync(join(dir, 'out', training.weights));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(training.weightsSha256);
      const { parameters } = decodeWeights(bytes, 'best');
      const { windows, targets } = drawLaw(spec, 150, 1, `${kind}/val-00000.arrow`);
      const outputs = referenceForward(spec, parameters, windows, 150);
      const meanError = (errorOf: (j: number, h: number) => number, h: number) =>
        Array.from({ length: 150 }, (_, j) => Math.abs(errorOf(j, h))).reduce((a, b) => a + b) / 150;
      training.horizons.forEach(({ horizon, network, noChange, linear, raw }, h) => {
        expect(horizon).toBe(spec.horizons[h]);
        expect(network).toBeCloseTo(
          meanError((j) => outputs[j * 2 + h] - targets[j * 2 + h], h),
          6,
        );
        expect(noChange).toBeCloseTo(
          meanError((j) => targets[j * 2 + h], h),
          6,
        );
        expect(linear).not.toBeCloseTo(noChange, 3);
        expect(raw.network).toBeCloseTo(
          meanError((j) => scaleOf(j) * (outputs[j * 2 + h] - targets[j * 2 + h]), h),
          7,
        );
        expect(raw.noChange).toBeCloseTo(
          meanError((j) => scaleOf(j) * targets[j * 2 + h], h),
          7,
        );
      });
      expect(training.validation.network).toBeCloseTo(
        (training.horizons[0].network + training.horizons[1].network) / 2,
        12,
      );
      expect(training.rawValidation.network).toBeCloseTo(
        (training.horizons[0].raw.network + training.horizons[1].raw.network) / 2,
        12,
      );
      const metrics = readMetrics('out', kind);
      expect(metrics.map(({ step }) => step)).toEqual([8, 16, 24]);
      const best = Math.min(...metrics.map(({ validationError }) => validationError));
      expect(training.validation.network).toBe(best);
      expect(metrics.find(({ validationError }) => validationError === best)?.step).toBe(training.bestStep);
      expect(best).toBeLessThan(training.validation.noChange);
    }
  });

  it('trains to the future itself when the spec has no residual', async () => {
    writeSamples(join(dir, 'samples'), { spec: { ...SMALL, residual: false } });
    const options = optionsFor('out', { residual: false, kinds: ['fc'], epochs: 8 });
    const { record } = await trainNowcaster(options);
    const { noChange, network } = record.kinds.fc!.validation;
    const { windows, targets } = drawLaw(SMALL, 150, 1, 'fc/val-00000.arrow');
    const { parameters } = decodeWeights(readFileSync(join(dir, 'out/fc/best.safetensors')), 'best');
    const outputs = referenceForward(SMALL, parameters, windows, 150);
    const errors = Array.from(outputs, (output, j) => Math.abs(output - (targets[j] + windows[j * 5 + 4])));
    expect(network).toBeCloseTo(errors.reduce((a, b) => a + b) / 150, 6);
    expect(noChange).toBeCloseTo(targets.reduce((sum, target) => sum + Math.abs(target), 0) / 150, 6);
  });

  it('does nothing more when called again, and adds kinds to the record', async () => {
    writeSamples(join(dir, 'samples'));
    await trainNowcaster(optionsFor('out', { kinds: ['bias'] }));
    const again = await trainNowcaster(optionsFor('out', { kinds: ['conv', 'bias'] }));
    expect(again.kinds.map(({ kind, resumedFrom }) => [kind, resumedFrom])).toEqual([
      ['conv', 0],
      ['bias', 24],
    ]);
    expect(Object.keys(again.record.kinds)).toEqual(['conv', 'bias']);
    const before = digestFiles(join(dir, 'out'));
    const openCompute = () => Promise.reject(new Error('nothing is left to compute'));
    const third = await trainNowcaster(optionsFor('out', { kinds: ['conv', 'bias'], openCompute }));
    expect(third.record).toEqual(again.record);
    expect(digestFiles(join(dir, 'out'))).toEqual(before);
    await trainNowcaster(optionsFor('whole', { kinds: ['conv', 'bias'] }));
    expect(digestFiles(join(dir, 'whole'))).toEqual(before);
  });

  it('stops early after validations without improvement', async () => {
    writeSamples(join(dir, 'samples'));
    const options = optionsFor('out', {
      kinds: ['fc'],
      epochs: 100,
      learningRate: 0.3,
      schedule: 'constant',
      patience: 3,
    });
    const { record } = await trainNowcaster(options);
    const { ended, steps, bestStep } = record.kinds.fc!;
    expect(ended).toBe('early');
    expect(steps).toBe(bestStep + 3 * 8);
    expect(readMetrics('out', 'fc').at(-1)?.step).toBe(steps);
  });

  it('plans without computing or writing', async () => {
    writeSamples(join(dir, 'samples'));
    const plan = planTraining(optionsFor('out', { epochs: undefined, steps: 30 }));
    expect(plan.parameters).toBe(5 * 64 + 64 + 64 * 32 + 32 + 32 + 1);
    expect(plan.kinds.map(({ kind, trainSamples, stepsPerEpoch }) => [kind, trainSamples, stepsPerEpoch])).toEqual(
      DEFAULT_KINDS.map((kind) => [kind, 500, 8]),
    );
    expect(plan.kinds[0].settings.plannedSteps).toBe(30);
    expect(existsSync(join(dir, 'out'))).toBe(false);
  });
});

describe('an interrupted training', () => {
  /** Runs with crashes after random numbers of steps until it comes to its end. */
  async function trainWithCrashes(options: TrainOptions, random: Random): Promise<number> {
    for (let crashes = 0; ; crashes++) {
      const fatal = 1 + random.below(9);
      const openCompute = async (spec: NowcasterSpec) =>
        createReferenceCompute(spec, (loss, call) => {
          if (call === fatal) throw new Error('crash');
          return loss;
        });
      try {
        await trainNowcaster({ ...options, openCompute });
        return crashes;
      } catch (error) {
        if ((error as Error).message !== 'crash') throw error;
        // What a torn write would leave behind the last checkpoint.
        appendFileSync(join(options.out, 'fc', 'metrics.jsonl'), '{"step":9');
      }
    }
  }

  it.each([
    ['all samples in memory', {}],
    ['few samples in memory', { memory: 20_000 }],
    ['validations within epochs', { validationSteps: 3, patience: 6 }],
  ])('ends with the bytes of an undisturbed one: %s', async (_name, more) => {
    writeSamples(join(dir, 'samples'), { train: [110, 190, 90, 60], val: [80, 70] });
    const options = optionsFor('out', { kinds: ['fc'], checkpointSeconds: 0, ...more });
    await trainNowcaster({ ...options, out: join(dir, 'whole') });
    const crashes = await trainWithCrashes(options, new Random(8));
    expect(crashes).toBeGreaterThan(2);
    expect(digestFiles(join(dir, 'out'))).toEqual(digestFiles(join(dir, 'whole')));
  });

  it('keeps what was done when aborted, and goes on from there', async () => {
    writeSamples(join(dir, 'samples'));
    const options = optionsFor('out', { kinds: ['conv', 'fc'], checkpointSeconds: 1e9 });
    await trainNowcaster({ ...options, out: join(dir, 'whole') });
    const controller = new AbortController();
    let steps = 0;
    const openCompute = async (spec: NowcasterSpec) =>
      createReferenceCompute(spec, (loss) => {
        if (++steps === 30) controller.abort();
        return loss;
      });
    await expect(trainNowcaster({ ...options, openCompute, signal: controller.signal })).rejects.toThrow(/abort/i);
    const plan = planTraining(options);
    expect(plan.kinds.map(({ step, ended }) => [step, ended])).toEqual([
      [24, true],
      [6, false],
    ]);
    await trainNowcaster(options);
    expect(digestFiles(join(dir, 'out'))).toEqual(digestFiles(join(dir, 'whole')));
  });

  it('starts over when told to', async () => {
    writeSamples(join(dir, 'samples'));
    await trainNowcaster(optionsFor('out', { kinds: ['bias'] }));
    await trainNowcaster(optionsFor('out', { kinds: ['fc'], learningRate: 0.1 }));
    await trainNowcaster(optionsFor('out', { kinds: ['fc'], resume: false }));
    await trainNowcaster(optionsFor('whole', { kinds: ['fc', 'bias'] }));
    expect(digestFiles(join(dir, 'out'))).toEqual(digestFiles(join(dir, 'whole')));
  });

  it('starts over just what does not match when told to', async () => {
    writeSamples(join(dir, 'samples'));
    const notes: string[] = [];
    const trainMatching = (seed: number) =>
      trainNowcaster(
        optionsFor('out', { kinds: ['fc', 'bias'], seed, resume: 'matching', onNote: (note) => notes.push(note) }),
      );
    await trainNowcaster(optionsFor('out', { kinds: ['fc'], seed: 2 }));
    expect((await trainMatching(2)).kinds.map(({ resumedFrom }) => resumedFrom)).toEqual([24, 0]);
    expect(notes).toEqual([]);
    writeSamples(join(dir, 'samples'), { seed: 5 });
    expect((await trainMatching(2)).kinds.map(({ resumedFrom }) => resumedFrom)).toEqual([0, 0]);
    expect(notes).toHaveLength(2);
    expect(notes[0]).toMatch(/^fc starts over: checkpoint of another training .*other samples/);
    await trainNowcaster(optionsFor('whole', { kinds: ['fc', 'bias'], seed: 2 }));
    expect(digestFiles(join(dir, 'out'))).toEqual(digestFiles(join(dir, 'whole')));
  });
});

describe('a training that is prolonged', () => {
  beforeEach(() => writeSamples(join(dir, 'samples')));
  const weightsOf = (out: string) => readFileSync(join(dir, out, 'fc/best.safetensors'));

  it('at a constant rate becomes that of the new length, and says what it prolonged', async () => {
    const constant = { kinds: ['fc'], schedule: 'constant' } as const;
    const first = await trainNowcaster(optionsFor('out', { ...constant, epochs: 2 }));
    expect(first.record.kinds.fc).not.toHaveProperty('prolonged');
    const longer = await trainNowcaster(optionsFor('out', { ...constant, epochs: 4 }));
    const whole = await trainNowcaster(optionsFor('whole', { ...constant, epochs: 4 }));
    expect(longer.kinds[0].resumedFrom).toBe(16);
    expect(longer.record.kinds.fc).toEqual({ ...whole.record.kinds.fc, prolonged: [16] });
    expect(weightsOf('out')).toEqual(weightsOf('whole'));
    expect(readMetrics('out', 'fc')).toEqual(readMetrics('whole', 'fc'));
  });

  it('goes on at the rates of the new length, interrupted or not', async () => {
    const cosine = { kinds: ['fc'] } as const;
    await trainNowcaster(optionsFor('out', { ...cosine, epochs: 2 }));
    await trainNowcaster(optionsFor('stopped', { ...cosine, epochs: 2 }));
    await trainNowcaster(optionsFor('out', { ...cosine, epochs: 3 }));
    const rates = readMetrics('out', 'fc').map(({ learningRate }) => learningRate);
    const rateAt = (step: number, planned: number) => 0.005 * (1 + Math.cos((Math.PI * step) / planned));
    expect(rates).toEqual([rateAt(7, 16), rateAt(15, 16), rateAt(23, 24)].map((rate) => expect.closeTo(rate, 12)));
    const controller = new AbortController();
    const stopped = { ...optionsFor('stopped', { ...cosine, epochs: 3 }), checkpointSeconds: 0 };
    const abort = { signal: controller.signal, onProgress: () => controller.abort() };
    await expect(trainNowcaster({ ...stopped, ...abort })).rejects.toThrow();
    await trainNowcaster(stopped);
    expect(digestFiles(join(dir, 'stopped'))).toEqual(digestFiles(join(dir, 'out')));
  });

  it('is not shortened, and not prolonged where it ended for want of improvement', async () => {
    const options = optionsFor('out', { kinds: ['fc'], epochs: 3 });
    await trainNowcaster(options);
    await expect(trainNowcaster({ ...options, epochs: 2 })).rejects.toThrow(
      /the number of steps \(--epochs, --steps\) is 24 there, 16 here/,
    );
    const early = optionsFor('early', { kinds: ['fc'], learningRate: 1e-30, patience: 1 });
    const ended = await trainNowcaster(early);
    expect(ended.record.kinds.fc?.ended).toBe('early');
    await expect(trainNowcaster({ ...early, epochs: 9 })).rejects.toThrow(
      /the number of steps \(--epochs, --steps\) is 24 there, 72 here/,
    );
  });
});

describe('a loss that is not finite', () => {
  /** An engine on which every batch that holds one of the samples has a loss of NaN. */
  function poisonedCompute(poison: ReadonlySet<number>, crashAt = -1) {
    return async (spec: NowcasterSpec) => {
      const compute = createReferenceCompute(spec, (loss, call) => {
        if (call === crashAt) throw new Error('crash');
        return loss;
      });
      return {
        ...compute,
        async lossAndGradients(...args: Parameters<typeof compute.lossAndGradients>) {
          const [, windows, , count] = args;
          const loss = await compute.lossAndGradients(...args);
          for (let j = 0; j < count; j++) if (poison.has(windows[j * 5 + 3])) return Number.NaN;
          return loss;
        },
      };
    };
  }

  it('is undone and told, whether interrupted or not', async () => {
    writeSamples(join(dir, 'samples'));
    const poison = new Set([drawLaw(SMALL, 300, 1, 'fc/train-00000.arrow').windows[3]]);
    const notes: string[] = [];
    const options = optionsFor('out', { kinds: ['fc'], checkpointSeconds: 0, validationSteps: 5, patience: 50 });
    const { record } = await trainNowcaster({
      ...options,
      out: join(dir, 'whole'),
      openCompute: poisonedCompute(poison),
      onNote: (note) => notes.push(note),
    });
    expect(record.kinds.fc).toMatchObject({ rollbacks: 3, steps: 24 });
    expect(notes).toHaveLength(3);
    expect(notes[0]).toMatch(/^fc, step \d+: loss NaN; rolled back .* halved the learning rate$/);
    const rates = readMetrics('whole', 'fc').map(({ learningRate }) => learningRate);
    expect(rates.at(-1)).toBeLessThan(0.01 / 8);
    for (let crash = 1; ; crash += 2) {
      try {
        await trainNowcaster({ ...options, openCompute: poisonedCompute(poison, crash) });
        break;
      } catch (error) {
        expect((error as Error).message).toBe('crash');
      }
    }
    expect(digestFiles(join(dir, 'out'))).toEqual(digestFiles(join(dir, 'whole')));
  });

  it('ends the training when it keeps happening', async () => {
    writeSamples(join(dir, 'samples'));
    const openCompute = async (spec: NowcasterSpec) => createReferenceCompute(spec, () => Number.POSITIVE_INFINITY);
    const failure = trainNowcaster(optionsFor('out', { kinds: ['bias'], openCompute }));
    await expect(failure).rejects.toThrow(WnnError);
    await expect(failure).rejects.toThrow(/does not stay finite.*bias, step 6; lower --learning-rate/);
  });
});
