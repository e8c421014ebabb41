// Tests every engine, for `wnn doctor`.

import { EngineUnavailableError } from '../errors.js';
import { AUTO_ORDER, ENGINE_NAMES, type EngineName, openEngine } from './engine.js';

/** The state of one engine on this machine. */
export interface EngineReport {
  name: EngineName;
  available: boolean;
  /** What it would run on; `null` when it is not available. */
  description: string | null;
  /** Version of the library that computes; `null` when it is not available. */
  version: string | null;
  /** The GPUs that it can use, by name. */
  devices: string[];
  /** Whether it would compute on a GPU. */
  usesGpu: boolean;
  /** Why it does not open; `null` when it does. */
  reason: string | null;
  /** What would make it open; `null` when it does. */
  remedy: string | null;
  /** Whether `auto` selects this engine. */
  chosenByAuto: boolean;
}

/**
 * Opens every engine, and leaves the one that `auto` selects open.
 *
 * @returns one report per engine, in the order of {@link ENGINE_NAMES}.
 */
export async function surveyEngines(): Promise<EngineReport[]> {
  const reports: EngineReport[] = [];
  for (const name of ENGINE_NAMES) reports.push(await reportEngine(name));
  const chosen = AUTO_ORDER.map((name) => reports.find((report) => report.name === name)).find(
    (report) => report?.available && (report.name !== 'tensorflow' || report.usesGpu),
  );
  if (chosen !== undefined) {
    chosen.chosenByAuto = true;
    await openEngine(chosen.name);
  }
  return reports;
}

async function reportEngine(name: EngineName): Promise<EngineReport> {
  try {
    const { description, version, devices, usesGpu } = await openEngine(name);
    const found = { name, available: true, description, version, devices, usesGpu };
    return { ...found, reason: null, remedy: null, chosenByAuto: false };
  } catch (error) {
    if (!(error instanceof EngineUnavailableError)) throw error;
    const { what, where, remedy } = error;
    return {
      name,
      available: false,
      description: null,
      version: null,
      devices: [],
      usesGpu: false,
      reason: `${what}: ${where}`,
      remedy,
      chosenByAuto: false,
    };
  }
}
