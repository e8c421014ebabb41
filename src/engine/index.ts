// The compute engines, for code outside this room: opening one and asking which there are.

export {
  ENGINE_NAMES,
  type Engine,
  type EngineName,
  type EngineRequest,
  type OpenEngineOptions,
  openEngine,
} from './engine.js';
export { type EngineReport, surveyEngines } from './survey.js';
export { openWebgpuDevice } from './webgpu/device.js';
