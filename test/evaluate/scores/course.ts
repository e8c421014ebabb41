// Courses with known values.

import type { Course } from '../../../src/evaluate/scores/course.js';

/** A course with one value an epoch, each of which took `secondsPerEpoch`. */
export function course(values: (number | null)[], secondsPerEpoch = 1, diverged = false): Course {
  return { values, seconds: values.map((_, i) => (i + 1) * secondsPerEpoch), diverged };
}

/** A course that reaches 0.9 at an epoch, and `best` at the last of ten. */
export function reachingAt(epoch: number, best = 0.9, secondsPerEpoch = 1): Course {
  return course(
    Array.from({ length: 10 }, (_, i) => (i === 9 ? best : i + 1 >= epoch ? Math.min(0.9, best) : 0.5)),
    secondsPerEpoch,
  );
}
