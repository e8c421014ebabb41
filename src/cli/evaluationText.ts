// An evaluation as text for people: the sentences, the comparison over all tasks, and each task's tables with what has to be
// said of them.

import { headline } from '../evaluation/headline.js';
import type { EvaluationResults } from '../evaluation/schema.js';
import { statements } from '../evaluation/statements.js';
import {
  describeTask,
  overallTable,
  scoreTable,
  secondaryTable,
  type TextTable,
  targetTable,
} from '../evaluation/table.js';
import { formatTable } from './table.js';

const layOut = ({ header, rows }: TextTable) => formatTable(header, rows);

function taskText(results: EvaluationResults, task: EvaluationResults['tasks'][number]): string {
  return [
    describeTask(results, task),
    layOut(scoreTable(task)),
    ...statements(task),
    '',
    layOut(targetTable(task)),
    '',
    layOut(secondaryTable(task)),
  ].join('\n');
}

/** The whole evaluation. */
export function evaluationText(results: EvaluationResults): string {
  const { tasks, methods, missingTasks, settings } = results;
  const lead = methods.flatMap(({ name }) => headline(results, name) ?? []);
  if (!settings.alone)
    lead.push('Seconds are rough: runs may have shared the machine; --seconds trains one at a time.');
  for (const { task, reason } of missingTasks) lead.push(`${task} is left out: ${reason}`);
  const parts = tasks.map((task) => taskText(results, task));
  if (tasks.length > 1) parts.push(`All ${tasks.length} tasks\n${layOut(overallTable(results))}`);
  return [...parts, lead.join('\n')].join('\n\n');
}
