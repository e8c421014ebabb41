import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES, openEngine } from '../../src/engine/engine.js';
import { surveyEngines } from '../../src/engine/survey.js';
import { EngineUnavailableError } from '../../src/errors.js';

describe('surveyEngines', () => {
  it('reports every engine, and marks and leaves open the one that auto takes', async () => {
    const reports = await surveyEngines();
    expect(reports.map((report) => report.name)).toEqual([...ENGINE_NAMES]);
    const chosen = reports.filter((report) => report.chosenByAuto);
    // Of TensorFlow only with a GPU: a linked one may be here that has none.
    const takes = ({ available, name, usesGpu }: (typeof reports)[0]) =>
      available && (name !== 'tensorflow' || usesGpu);
    expect(chosen).toEqual([reports.find(takes)]);
    expect(tf.getBackend()).toBe(chosen[0]?.name);
    expect((await openEngine('auto')).name).toBe(chosen[0]?.name);
    expect(reports.find((report) => report.name === 'wasm')?.available).toBe(true);
  });

  it('gives the reason and the remedy of each engine that does not open, as opening it does', async () => {
    for (const { name, available, reason, remedy } of await surveyEngines()) {
      if (available) continue;
      const error = await openEngine(name).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(EngineUnavailableError);
      expect((error as Error).message).toContain(`${reason}; ${remedy}`);
      expect((error as Error).message).not.toContain('\n');
    }
  });
});
