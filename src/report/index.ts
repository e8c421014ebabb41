// The report stage: one page that shows what an evaluation found.

export { type ReportOptions, type ReportResult, writeReport } from './report.js';
