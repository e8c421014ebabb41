// The order in which people count names: `e2` before `e10`.

export const compareNaturally = new Intl.Collator('en', { numeric: true }).compare;
