// Falls by a factor at given moments, as the trainings of ResNet do (He et al., 2016).

import { parseMoment, type ScheduleDefinition, stepsBefore } from './schedule.js';

export const step: ScheduleDefinition = {
  name: 'step',
  describe: 'times FACTOR (above 0, below 1) at each WHEN: shares of the budget (below 1) or epochs, rising',
  argument: 'FACTOR@WHEN/WHEN',
  defaultArgument: '0.1@0.5/0.75',
  parse(argument) {
    const [head, tail = '', ...rest] = argument.split('@');
    const drop = head.trim() === '' ? Number.NaN : Number(head);
    const moments = tail.split('/').map(parseMoment);
    const rising = moments.every((moment, i) => i === 0 || (moments[i - 1] as number) < (moment as number));
    if (!(drop > 0 && drop < 1) || rest.length > 0 || moments.includes(null) || !rising) return null;
    const whens = moments as number[];
    return {
      text: `${drop}@${whens.join('/')}`,
      factor: (step, { steps, stepsPerEpoch }) =>
        drop ** whens.filter((when) => step >= stepsBefore(when, steps, stepsPerEpoch)).length,
    };
  },
};
