// What the page does in a browser: values by pointer and keyboard, legends, small screens, themes, and the policy that lets
// nothing else run.

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../../src/report/index.js';
import { PAYLOAD, plantEverywhere } from './payload.js';
import { makeGoodRun, writeEvaluation } from './syntheticEvaluation.js';

const CHROMIUM = '/usr/bin/chromium';
const directory = mkdtempSync(join(tmpdir(), 'wnn-report-browser-'));
afterAll(() => rmSync(directory, { recursive: true }));
const tuned = join(directory, 'tuned');

/** Contrast of two colors as the browser gives them (WCAG 2.2, relative luminance). */
function contrast(a: string, b: string): number {
  const [light, dark] = [a, b]
    .map((color) => {
      const [r, g, b] = color.match(/[\d.]+/g)!.map((part) => {
        const value = Number(part) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    })
    .sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

describe.skipIf(!existsSync(CHROMIUM))('in Chromium (skipped where /usr/bin/chromium is absent)', () => {
  let browser: Browser;
  let file: string;
  let charts: number;
  beforeAll(async () => {
    writeEvaluation(tuned, [1, 2, 3], makeGoodRun, { tasks: ['mnist/lenet', 'mnist/mlp'], tuned: true });
    ({ file, charts } = writeReport({ directory: tuned }));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  const open = async (options: Parameters<Browser['newPage']>[0], path = file) => {
    const page = await browser.newPage(options);
    await page.goto(String(pathToFileURL(path)));
    return page;
  };
  const chart = (page: Page, title: string) =>
    page.locator('figure', { has: page.locator('h3', { hasText: title }) }).first();

  for (const [colorScheme, width] of [
    ['light', 1400],
    ['dark', 768],
    ['dark', 390],
  ] as const)
    it(`opens from disk, ${colorScheme}, ${width} pixels wide: no error, marks in every chart, nothing overflows, text to be read`, async () => {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        const address = request.url();
        if (!address.startsWith('file:') && !address.startsWith('data:')) complaints.push(address);
      });
      await page.goto(String(pathToFileURL(file)));
      // What runs here is the browser's, not Node's.
      const seen = (await page.evaluate(`({
        marks: [...document.querySelectorAll('figure svg')].map((svg) =>
          [...svg.querySelectorAll('path, circle, rect')].filter((mark) => {
            const box = mark.getBoundingClientRect();
            return box.width + box.height > 2;
          }).length),
        outside: [...document.querySelectorAll('figure')].filter((figure) =>
          figure.getBoundingClientRect().right > innerWidth + 1).length,
        scrolls: document.documentElement.scrollWidth > innerWidth,
        hints: [...document.querySelectorAll('.hint')].filter((hint) => hint.checkVisibility()).length,
        overflowing: [...document.querySelectorAll('.scroll')].filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1).length,
        background: getComputedStyle(document.body).backgroundColor,
        texts: [...new Set([...document.querySelectorAll('body *')]
          .filter((element) => [...element.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim()))
          .filter((element) => element.checkVisibility() && !element.closest('pre, script'))
          .map((element) => element instanceof SVGElement ? getComputedStyle(element).fill : getComputedStyle(element).color))],
        series: [...new Set([...document.querySelectorAll('.swatch')].map((swatch) => getComputedStyle(swatch).backgroundColor))],
      })`)) as {
        marks: number[];
        outside: number;
        scrolls: boolean;
        hints: number;
        overflowing: number;
        background: string;
        texts: string[];
        series: string[];
      };
      expect(complaints).toEqual([]);
      expect(seen.marks.length).toBe(charts);
      for (const count of seen.marks) expect(count).toBeGreaterThan(2);
      expect([seen.outside, seen.scrolls]).toEqual([0, false]);
      expect(seen.hints).toBe(seen.overflowing);
      if (width === 390) expect(seen.hints).toBeGreaterThan(0);
      expect(seen.background).toBe(colorScheme === 'dark' ? 'rgb(20, 23, 26)' : 'rgb(255, 255, 255)');
      expect(seen.texts.length).toBeGreaterThan(1);
      for (const color of seen.texts) expect(contrast(color, seen.background), color).toBeGreaterThanOrEqual(4.5);
      expect(seen.series.length).toBeGreaterThan(2);
      for (const color of seen.series) expect(contrast(color, seen.background), color).toBeGreaterThanOrEqual(3);
      await page.close();
    });

  it('shows hints from the start where tables scroll, before any resize is observed', async () => {
    const page = await browser.newPage({ viewport: { width: 768, height: 800 } });
    await page.addInitScript('globalThis.ResizeObserver = class { observe() {} }');
    await page.goto(String(pathToFileURL(file)));
    const boxes = (await page.evaluate(`[...document.querySelectorAll('.scroll')]
      .filter((box) => box.checkVisibility())
      .map((box) => [box.scrollWidth > box.clientWidth + 1, box.previousElementSibling.checkVisibility()])`)) as boolean[][];
    expect(new Set(boxes.map(([scrolls]) => scrolls))).toEqual(new Set([true, false]));
    for (const [scrolls, hinted] of boxes) expect(hinted).toBe(scrolls);
    await page.close();
  });

  it('gives the values under the pointer, and hides a method in all charts by any legend', async () => {
    const page = await open({ viewport: { width: 1400, height: 900 } });
    const accuracy = chart(page, 'Validation accuracy against epochs');
    const plot = accuracy.locator('.plot');
    const tip = plot.locator('.tip');
    expect(await tip.isVisible()).toBe(false);
    await plot.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await plot.boundingBox())!;
    await page.mouse.move(x + width - 18, y + height / 2);
    // Epoch 20 of plain: 0.04 and seed / 1000 a step, seeds 1 to 3; of ours 0.95.
    expect(await tip.innerText()).toMatch(
      /^epoch 20\s+plain\s+0\.84 \(0\.82 to 0\.86\)\s+linear\s+0\.84 .*\s+ours\s+0\.95$/,
    );
    expect(await plot.locator('.focus circle').count()).toBe(3);

    const lines = 'figure .plot .s-1';
    const shown = () =>
      page.evaluate(
        `[...document.querySelectorAll('${lines}')].filter((mark) => getComputedStyle(mark).display !== 'none').length`,
      );
    const before = (await shown()) as number;
    expect(before).toBeGreaterThan(10);
    await chart(page, 'Performance profile').locator('.legend button', { hasText: 'linear' }).click();
    expect(await shown()).toBe(0);
    expect(await accuracy.locator('.legend button', { hasText: 'linear' }).getAttribute('aria-pressed')).toBe('false');
    await page.mouse.move(x + width - 19, y + height / 2);
    await plot.scrollIntoViewIfNeeded();
    await plot.hover({ position: { x: width - 18, y: height / 2 } });
    expect(await tip.innerText()).toMatch(/plain[\s\S]*ours/);
    expect(await tip.innerText()).not.toContain('linear');
    await accuracy.locator('.legend button', { hasText: 'linear' }).click();
    expect(await shown()).toBe(before);
    await page.close();
  });

  it('gives the values by the keyboard, and says them', async () => {
    const page = await open({ viewport: { width: 390, height: 800 } });
    const ratios = chart(page, 'Epochs to the target').locator('.plot');
    await ratios.focus();
    // The script shows what the keyboard reaches, not what a click focuses.
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    const tip = ratios.locator('.tip');
    expect(await tip.innerText()).toMatch(/^linear\s+task\s+all tasks/);
    await page.keyboard.press('ArrowDown');
    expect(await tip.innerText()).toMatch(/^ours\s+task\s+all tasks\s+of plain’s epochs\s+0\.\d\d\s+95% interval/);
    await page.keyboard.press('End');
    expect(await tip.innerText()).toMatch(/^ours\s+task\s+mnist\/mlp[\s\S]*epochs by seed\s+(\d+, ){2}\d+$/);
    expect(await page.locator('.live').innerText()).toContain('mnist/mlp');
    const box = (await tip.boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(390);
    await page.keyboard.press('Escape');
    expect(await tip.isVisible()).toBe(false);
    await page.close();
  });

  it('runs nothing that files or options bring, nor a script, style or handler that stands in the page', async () => {
    const place = join(directory, 'harmful');
    cpSync(tuned, place, { recursive: true });
    plantEverywhere(place);
    const harmful = writeReport({ directory: place, note: PAYLOAD }).file;
    expect(readFileSync(harmful, 'utf8').match(/&lt;img/g)!.length).toBeGreaterThan(20);
    const page = await open({}, harmful);
    const elements = 'document.querySelectorAll("script, img").length';
    expect(await page.evaluate(`[window.harmed, ${elements}]`)).toEqual([undefined, 1]);
    // The tips are made of what the tables hold.
    const tips = await page.evaluate(`[...document.querySelectorAll('.plot:not([data-places=""])')].map((plot) => {
      const { left, top, width, height } = plot.getBoundingClientRect();
      const middle = { clientX: left + width / 2, clientY: top + height / 2 };
      plot.dispatchEvent(new PointerEvent('pointermove', middle));
      return plot.querySelector('.tip').textContent;
    }).join()`);
    expect(tips).toContain('<img src=x');
    expect(await page.evaluate(`[window.harmed, ${elements}]`)).toEqual([undefined, 1]);
    const unsafe = join(place, 'unsafe.html');
    const script =
      '<script>window.harmed = 3</script><p id="p" style="color: red" onclick="window.harmed = 4">x</p></body>';
    writeFileSync(unsafe, readFileSync(harmful, 'utf8').replace('</body>', script));
    await page.goto(String(pathToFileURL(unsafe)));
    await page.click('#p');
    const color = 'getComputedStyle(document.querySelector("#p")).color';
    expect(await page.evaluate(`[window.harmed, ${color}]`)).toEqual([undefined, 'rgb(27, 30, 35)']);
    await page.close();
  });
});
