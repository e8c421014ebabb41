// The layers of a graph as a Keras functional model has them, in Keras's order: by depth, then in the order in which a
// walk from the output first meets them (keras/src/models/functional.py, `map_graph`). Published weight files have it.

import { type Operation, operandsOf } from './graph.js';
import type { Network } from './network.js';

/** Operations that layered formats have no layer for: the model takes their outputs as inputs. */
export function isModelInput({ op }: Operation): boolean {
  return op === 'input' || op === 'differences';
}

/** The operations that become layers of the model, in the order of its layers. */
export function kerasLayers({ graph }: Network): Operation[] {
  const byName = new Map(graph.map((operation) => [operation.name, operation]));
  const operands = (operation: Operation) =>
    isModelInput(operation) ? [] : operandsOf(operation).map((name) => byName.get(name) as Operation);
  const met: Operation[] = [];
  const visit = (operation: Operation) => {
    if (met.includes(operation)) return;
    met.push(operation);
    operands(operation).forEach(visit);
  };
  visit(graph[graph.length - 1]);
  const depths = new Map(met.map((operation) => [operation, 0]));
  // Users come after what they use in the graph, so backwards each depth is final when it is read.
  for (const operation of [...graph].reverse()) {
    const depth = depths.get(operation);
    if (depth === undefined) continue;
    for (const operand of operands(operation)) depths.set(operand, Math.max(depths.get(operand) as number, depth + 1));
  }
  return met.sort((a, b) => (depths.get(b) as number) - (depths.get(a) as number));
}
