// The page's script: values on hover and by the keyboard, legends that hide methods, hints at tables that scroll. It reads
// what stands in the page, and writes text only.
(() => {
  const SVG = 'http://www.w3.org/2000/svg';
  const hidden = new Set();
  const live = document.body.appendChild(document.createElement('p'));
  live.className = 'live';
  live.setAttribute('aria-live', 'polite');

  const make = (parent, name, className, text = '') => {
    const element = parent.appendChild(document.createElement(name));
    element.className = className;
    element.textContent = text;
    return element;
  };

  /** The rows of the table behind a chart: a title, and lines of a name and a value. */
  const readTable = (table) => {
    const headings = [...table.tHead.rows[0].cells];
    return [...table.tBodies[0].rows].map((row) => {
      const cells = [...row.cells];
      const lines = cells.slice(1).map((cell, i) => {
        const heading = headings[i + 1];
        const swatch = heading.querySelector('.swatch');
        return { name: heading.textContent, value: cell.textContent, series: heading.dataset.series, swatch };
      });
      const swatch = cells[0].querySelector('.swatch');
      const [first, name] = [headings[0].textContent, cells[0].textContent];
      return { title: swatch || first === '' ? name : `${first} ${name}`, swatch, lines };
    });
  };

  const readPlaces = (text) =>
    text.split(' ').map((place) => {
      const [row, x, y, series] = place.split(',');
      return { row: Number(row), x: Number(x), y: Number(y), series };
    });

  const watchChart = (figure) => {
    const plot = figure.querySelector('.plot');
    const svg = plot.querySelector('svg');
    const { reading, places: text } = plot.dataset;
    if (text === '') return;
    const places = readPlaces(text);
    const rows = readTable(figure.querySelector('table'));
    const { width, height } = svg.viewBox.baseVal;
    const focus = svg.appendChild(document.createElementNS(SVG, 'g'));
    focus.setAttribute('class', 'focus');
    const tip = make(plot, 'div', 'tip');
    tip.hidden = true;
    let shown = null;

    const visible = () => places.filter(({ series }) => !hidden.has(series));

    const hide = () => {
      shown = null;
      tip.hidden = true;
      focus.replaceChildren();
    };

    const fillTip = (row) => {
      tip.replaceChildren();
      const title = make(tip, 'strong', '', row.title);
      if (row.swatch) title.prepend(row.swatch.cloneNode());
      const spoken = [row.title];
      for (const { name, value, series, swatch } of row.lines) {
        if (value === '' || hidden.has(series)) continue;
        const line = make(tip, 'div', 'line');
        const label = make(line, 'span', 'of', name);
        if (swatch) label.prepend(swatch.cloneNode());
        make(line, 'span', 'value', value);
        spoken.push(`${name} ${value}`);
      }
      return spoken.join(', ');
    };

    const mark = (name, attributes) => {
      const element = focus.appendChild(document.createElementNS(SVG, name));
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    };

    /** Shows a row's values beside the place in it that is nearest to `near`. */
    const show = (place, spoken) => {
      const own = visible().filter(({ row }) => row === place.row);
      shown = place;
      focus.replaceChildren();
      if (own.every(({ x }) => x === place.x) && reading === 'x')
        mark('line', { x1: place.x, x2: place.x, y1: 0, y2: height });
      for (const { x, y } of own) mark('circle', { cx: x, cy: y, r: 4.5 });
      const words = fillTip(rows[place.row]);
      if (spoken) live.textContent = words;
      tip.hidden = false;
      const box = svg.getBoundingClientRect();
      const scale = box.width / width;
      const [x, y] = [place.x * scale, place.y * scale];
      const left = x + 14 + tip.offsetWidth <= plot.clientWidth ? x + 14 : x - 14 - tip.offsetWidth;
      tip.style.left = `${Math.max(0, Math.min(left, plot.clientWidth - tip.offsetWidth))}px`;
      // Where neither side has room, the values stand below the drawing rather than on what they describe.
      const covers = left < 0;
      tip.style.top = covers ? `${box.height}px` : `${Math.max(-8, Math.min(y - 20, box.height - tip.offsetHeight))}px`;
    };

    const onPointer = ({ clientX, clientY }) => {
      const box = svg.getBoundingClientRect();
      const scale = box.width / width;
      const [x, y] = [(clientX - box.left) / scale, (clientY - box.top) / scale];
      const weights = { x: [1, 0.02], y: [0.02, 1], xy: [1, 1] }[reading];
      const distance = (place) => Math.hypot((place.x - x) * weights[0], (place.y - y) * weights[1]);
      const nearest = visible().reduce(
        (best, place) => (best && distance(best) <= distance(place) ? best : place),
        null,
      );
      if (nearest) show(nearest, false);
    };
    plot.addEventListener('pointermove', onPointer);
    plot.addEventListener('pointerdown', onPointer);
    plot.addEventListener('pointerleave', () => {
      if (!plot.matches(':focus-visible')) hide();
    });

    /** The first place of each row, in the order of the table. */
    const steps = () => {
      const first = new Map();
      for (const place of visible()) if (!first.has(place.row)) first.set(place.row, place);
      return [...first.values()].sort((a, b) => a.row - b.row);
    };
    const moves = {
      ArrowRight: (i) => i + 1,
      ArrowDown: (i) => i + 1,
      ArrowLeft: (i) => i - 1,
      ArrowUp: (i) => i - 1,
      PageDown: (i) => i + 10,
      PageUp: (i) => i - 10,
      Home: () => 0,
      End: () => Number.POSITIVE_INFINITY,
    };
    plot.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') hide();
      const move = moves[event.key];
      const all = steps();
      if (!move || event.altKey || event.ctrlKey || event.metaKey || all.length === 0) return;
      event.preventDefault();
      const at = shown === null ? -1 : all.findIndex(({ row }) => row === shown.row);
      show(all[Math.max(0, Math.min(all.length - 1, move(at)))], true);
    });
    plot.addEventListener('focus', () => {
      const all = steps();
      if (plot.matches(':focus-visible') && all.length > 0) show(shown ?? all[0], true);
    });
    plot.addEventListener('blur', hide);
    document.addEventListener('legend', hide);
  };

  for (const figure of document.querySelectorAll('figure')) watchChart(figure);

  /** A method that is hidden in one chart is hidden in all. */
  const toggle = (series) => {
    if (!hidden.delete(series)) hidden.add(series);
    for (const mark of document.querySelectorAll(`.plot .s-${series}`))
      mark.classList.toggle('off', hidden.has(series));
    for (const button of document.querySelectorAll(`.legend [data-series="${series}"]`))
      button.setAttribute('aria-pressed', String(!hidden.has(series)));
    document.dispatchEvent(new Event('legend'));
  };
  for (const button of document.querySelectorAll('.legend button'))
    button.addEventListener('click', () => toggle(button.dataset.series));

  /** Says where a table scrolls, and lets the keyboard scroll it. */
  const watchScroll = (box) => {
    const hint = document.createElement('p');
    hint.className = 'hint';
    hint.textContent = 'The table scrolls sideways →';
    box.before(hint);
    const update = () => {
      const scrolls = box.scrollWidth > box.clientWidth + 1;
      hint.hidden = !scrolls;
      box.classList.toggle('more', scrolls && box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
      if (scrolls) box.tabIndex = 0;
      else box.removeAttribute('tabindex');
    };
    box.addEventListener('scroll', update, { passive: true });
    // The observer calls only after the first frame, which would show a hint at every table.
    update();
    new ResizeObserver(update).observe(box);
  };
  for (const box of document.querySelectorAll('.scroll')) watchScroll(box);
})();
