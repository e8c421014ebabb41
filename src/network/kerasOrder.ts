// The layers of a graph in the order of a Keras functional model: by depth, then in the order of a traversal from the
// output (keras/src/models/functional.py, `map_graph`). Published weight files use this order.

import { type Operation, operandsOf } from './graph.js';
import type { Network } from './network.js';

/** Whether layer formats have no layer for an operation, so that the model takes its output as an input. */
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
  // The graph is in topological order, so that each depth is final when it is read backwards.
  for (const operation of [...graph].reverse()) {
    const depth = depths.get(operation);
    if (depth === undefined) continue;
    for (const operand of operands(operation)) depths.set(operand, Math.max(depths.get(operand) as number, depth + 1));
  }
  return met.sort((a, b) => (depths.get(b) as number) - (depths.get(a) as number));
}
