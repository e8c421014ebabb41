// The public interface of the engine module: opening an engine and listing the available ones.

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
