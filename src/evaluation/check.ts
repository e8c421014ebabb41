// What the files of an evaluation must hold, so that a number is a number wherever one is shown. Fields that are not listed
// are dropped. The types with their meanings are in schema.ts.

import * as v from 'valibot';
import type { EngineRequest } from '../engine/engine.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import {
  EVALUATION_SCHEMA_VERSION,
  type EvaluationForecasts,
  type EvaluationResults,
  type RunRecord,
} from './schema.js';

const numbers = v.array(v.number());
const gaps = v.array(v.nullable(v.number()));
const kind = v.picklist(TRAINED_KINDS);
const version = v.literal(EVALUATION_SCHEMA_VERSION);
/** Of methods and runs, which are parts of paths too. */
const name = v.pipe(v.string(), v.regex(/^\w[\w.-]*$/));

const estimate = v.object({
  values: gaps,
  count: v.number(),
  mean: v.nullable(v.number()),
  sd: v.nullable(v.number()),
  interval: v.nullable(v.tuple([v.number(), v.number()])),
});

const target = {
  epochs: estimate,
  seconds: estimate,
  speedup: estimate,
  speedupSeconds: estimate,
  reached: v.number(),
};

const methodSummary = v.object({
  name,
  best: estimate,
  gain: estimate,
  toPlainBest: v.object(target),
  toTargets: v.array(v.object({ target: v.number(), ...target })),
  newBests: v.object({ speedup: estimate, reached: v.number(), total: v.number() }),
  secondsPerNowcast: estimate,
  nowcasts: v.nullable(
    v.object({ kept: v.number(), undone: v.number(), skipped: v.number(), shortened: v.number(), seen: v.number() }),
  ),
  scalarsPerNowcast: v.nullable(v.number()),
  diverged: numbers,
});

const forecastErrors = v.object({
  method: v.string(),
  kind,
  horizon: v.number(),
  epochs: numbers,
  byEpoch: gaps,
  mean: v.nullable(v.number()),
  windows: v.number(),
});

const forecastExamples = v.pipe(
  v.object({
    kind,
    epochs: numbers,
    windows: v.array(numbers),
    residuals: v.array(numbers),
    forecasts: v.array(v.object({ method: v.string(), horizon: v.number(), residuals: numbers })),
  }),
  v.check(({ windows, residuals, forecasts }) =>
    [residuals, ...forecasts.map((entry) => entry.residuals)].every(({ length }) => length === windows.length),
  ),
);

/** Further settings are those of the framework's. */
const optimizer = v.objectWithRest(
  { name: v.string(), learningRate: v.number() },
  v.union([v.number(), v.string(), v.boolean()]),
);

const settings = {
  epochs: v.number(),
  batchSize: v.number(),
  optimizer,
  trainExamples: v.nullable(v.number()),
  validationExamples: v.nullable(v.number()),
  guard: v.boolean(),
};

const about = v.object({
  sentence: v.string(),
  command: v.string(),
  baseline: v.boolean(),
  training: v.optional(v.string()),
  heldOut: v.optional(v.record(kind, v.object({ noChange: v.number(), linear: v.number(), own: v.number() }))),
});

const results = v.object({
  schemaVersion: version,
  toolkitVersion: v.string(),
  settings: v.object({ ...settings, targets: numbers, newBestsAfter: v.number() }),
  methods: v.pipe(v.array(v.looseObject({ type: v.string(), name, about })), v.minLength(1)),
  methodModules: v.array(v.string()),
  tasks: v.array(
    v.object({
      task: v.string(),
      seeds: numbers,
      methods: v.pipe(v.array(methodSummary), v.minLength(1)),
      forecastErrors: v.array(forecastErrors),
    }),
  ),
  runs: v.array(name),
});

const forecasts = v.object({
  schemaVersion: version,
  tasks: v.array(v.object({ task: v.string(), examples: v.array(forecastExamples) })),
});

const nowcast = v.object({
  epoch: v.number(),
  outcome: v.picklist(['kept', 'undone', 'skipped']),
  share: v.number(),
  reason: v.nullable(v.string()),
  scalars: v.object({ conv: v.number(), fc: v.number(), bias: v.number() }),
  seconds: v.number(),
  lossBefore: v.nullable(v.number()),
  lossAfter: v.nullable(v.number()),
});

const record = v.object({
  schemaVersion: version,
  toolkitVersion: v.string(),
  id: name,
  task: v.string(),
  seed: v.number(),
  method: v.looseObject({ type: v.string(), name }),
  ...settings,
  engine: v.custom<EngineRequest>((value) => typeof value === 'string'),
  engineDescription: v.string(),
  status: v.picklist(['complete', 'diverged']),
  metrics: v.record(v.string(), gaps),
  seconds: numbers,
  nowcasts: v.array(nowcast),
});

/** Contents of the files, by type. */
export interface EvaluationContent {
  results: EvaluationResults;
  forecasts: EvaluationForecasts;
  record: RunRecord;
}

const SCHEMAS: { [K in keyof EvaluationContent]: v.GenericSchema<unknown, EvaluationContent[K]> } = {
  results,
  forecasts,
  record,
};

/**
 * Checks the parsed content of a file.
 *
 * @returns the content, or in words the first thing that is wrong with it.
 */
export function checkContent<K extends keyof EvaluationContent>(
  type: K,
  value: unknown,
): EvaluationContent[K] | string {
  const { success, output, issues } = v.safeParse(SCHEMAS[type], value, { abortEarly: true });
  if (success) return output;
  const [issue] = issues;
  return `${v.getDotPath(issue) ?? 'it'} is not ${issue.expected ?? 'consistent'}`;
}
