"use strict";
// Draws the charts of a report from the JSON in the page, and lets one read their values.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const data = JSON.parse(document.getElementById("charts").textContent);
  const charts = new Map([...data.evaluations, ...data.training].map((chart) => [chart.id, chart]));
  const distances = new Set(data.evaluations.map((chart) => chart.id));
  const LOOKS = 7;
  const MARKED = 40; // points of a line that still have marks

  const element = (name, attributes = {}, parent = null, text = "") => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };
  const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;
  const short = (value) => {
    const size = Math.abs(value);
    if (size >= 1000) return value.toLocaleString("en", { maximumFractionDigits: 0 });
    return String(Number(value.toPrecision(4)));
  };
  const colour = (series) => `var(--look-${series.look % LOOKS})`;

  // The unit in which a number of seconds is read best: [name, seconds].
  const unitOf = (seconds) =>
    seconds >= 7200 ? ["hours", 3600] : seconds >= 120 ? ["minutes", 60] : ["seconds", 1];

  const ticks = (low, high, count) => {
    const rough = (high - low) / count || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const result = [];
    for (let number = first; number * step <= high + step * 1e-9; number++) result.push(number * step);
    return result;
  };
  const logTicks = (low, high) => {
    const result = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
      for (const factor of [1, 2, 5]) {
        const value = factor * 10 ** power;
        if (value >= low * 0.999 && value <= high * 1.001) result.push(value);
      }
    return result.length > 1 ? result : [low, high];
  };

  const mark = (parent, kind, x, y, hollow, stroke) => {
    const fill = hollow ? "var(--ground)" : stroke;
    const attributes = { fill, stroke, "stroke-width": 1.4 };
    const shapes = [
      () => element("circle", { cx: x, cy: y, r: 3.5, ...attributes }, parent),
      () => element("rect", { x: x - 3, y: y - 3, width: 6, height: 6, ...attributes }, parent),
      () => element("path", { d: `M${x} ${y - 4}l4 7h-8z`, ...attributes }, parent),
      () => element("path", { d: `M${x} ${y - 4.5}l4.5 4.5l-4.5 4.5l-4.5 -4.5z`, ...attributes }, parent),
      () => element("path", { d: `M${x} ${y + 4}l4 -7h-8z`, ...attributes }, parent),
    ];
    shapes[kind % shapes.length]();
  };

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.chart = charts.get(figure.dataset.chart);
      this.plot = figure.querySelector(".plot");
      this.output = figure.querySelector("output");
      this.place = null; // index of the x that is read
      this.width = 0;
      new ResizeObserver(() => {
        if (Math.abs(this.plot.clientWidth - this.width) > 1) this.draw();
      }).observe(this.plot);
      this.draw();
    }

    scales() {
      this.against = chosen("against");
      this.series = this.chart.series.filter((one) => one[this.against] && one[this.against].x.length);
      this.log = distances.has(this.chart.id) && chosen("scale") === "log";
      const points = this.series.map((one) => one[this.against]);
      const xs = points.flatMap((one) => one.x);
      let ys = points.flatMap((one) => [...one.low, ...one.high]).filter(Number.isFinite);
      if (this.log) ys = ys.filter((value) => value > 0);
      this.xs = [...new Set(xs)].sort((a, b) => a - b);
      const xHigh = Math.max(...xs, 1e-9);
      [this.unit, this.length] = this.against === "updates" ? ["updates", 1] : unitOf(xHigh);
      let low = Math.min(...ys), high = Math.max(...ys);
      if (!this.log && distances.has(this.chart.id)) low = Math.min(0, low);
      if (this.log) { low /= 1.1; high *= 1.1; } else { const room = (high - low) * 0.05 || 1; high += room; if (low !== 0) low -= room; }
      const left = 58, right = 30, top = 10, bottom = 44;
      const { width } = this, height = this.figure.classList.contains("small") ? 230 : Math.max(260, Math.min(420, width * 0.5));
      const f = this.log ? Math.log : (value) => value;
      this.x = (value) => left + ((width - left - right) * value) / xHigh;
      this.y = (value) => height - bottom - ((height - top - bottom) * (f(value) - f(low))) / (f(high) - f(low));
      Object.assign(this, { low, high, xHigh, left, right, top, bottom, height });
    }

    draw() {
      this.width = this.plot.clientWidth;
      if (!this.width) return;
      this.scales();
      const { width, height, left, right, top, bottom } = this;
      const svg = element("svg", {
        viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "img",
        "aria-label": `${this.chart.title} against ${this.against === "updates" ? "updates" : "training time"}. Arrow keys read the values.`,
      });
      const grid = element("g", { "aria-hidden": "true" }, svg);
      for (const value of this.log ? logTicks(this.low, this.high) : ticks(this.low, this.high, 5)) {
        const y = this.y(value);
        element("line", { x1: left, x2: width - right, y1: y, y2: y, stroke: "var(--line)", "stroke-width": 0.6 }, grid);
        element("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, grid, short(value));
      }
      for (const value of ticks(0, this.xHigh / this.length, Math.max(2, Math.floor(width / 130)))) {
        const x = this.x(value * this.length);
        element("line", { x1: x, x2: x, y1: height - bottom, y2: height - bottom + 5, stroke: "var(--text)" }, grid);
        element("text", { x, y: height - bottom + 18, "text-anchor": "middle" }, grid, short(value));
      }
      element("path", { d: `M${left} ${top}V${height - bottom}H${width - right}`, fill: "none", stroke: "var(--text)" }, grid);
      const xLabel = this.against === "updates" ? "generator updates" : `training time (${this.unit})`;
      element("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, grid, xLabel);
      element("text", { transform: `translate(13 ${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, grid, this.chart.label);
      for (const series of this.series) this.drawSeries(svg, series);
      this.cursor = element("g", { "aria-hidden": "true" }, svg);
      svg.addEventListener("pointermove", (event) => this.point(event));
      svg.addEventListener("pointerdown", (event) => this.point(event));
      svg.addEventListener("keydown", (event) => this.key(event));
      this.plot.replaceChildren(svg, this.legend());
      this.output.textContent = "";
      this.place = null;
    }

    drawSeries(svg, series) {
      const points = series[this.against], stroke = colour(series);
      const there = points.x.map((_, i) => i).filter((i) => !this.log || points.mean[i] > 0);
      const at = (i, values) => `${this.x(points.x[i]).toFixed(1)} ${this.y(Math.max(values[i], this.log ? this.low : -Infinity)).toFixed(1)}`;
      const group = element("g", { "data-series": series.name, "aria-hidden": "true" }, svg);
      if (there.some((i) => points.high[i] > points.low[i])) {
        const edge = [...there.map((i) => at(i, points.high)), ...there.slice().reverse().map((i) => at(i, points.low))];
        element("path", {
          d: `M${edge.join("L")}Z`, fill: stroke, "fill-opacity": series.published ? 0.1 : 0.22,
          stroke: series.published ? stroke : "none", "stroke-opacity": 0.5, "stroke-dasharray": "2 3",
        }, group);
      }
      element("path", {
        d: `M${there.map((i) => at(i, points.mean)).join("L")}`, fill: "none", stroke, "stroke-width": 2,
        "stroke-dasharray": series.published ? "6 4" : "none",
      }, group);
      if (series.published || points.x.length === 1)
        for (const i of there) {
          const [x, low, high] = [this.x(points.x[i]), this.y(Math.max(points.low[i], this.low)), this.y(points.high[i])];
          if (low - high > 1) element("path", { d: `M${x - 5} ${low}h10m-5 0V${high}m-5 0h10`, fill: "none", stroke, "stroke-opacity": 0.7 }, group);
        }
      if (there.length <= MARKED)
        for (const i of there) mark(group, series.look, this.x(points.x[i]), this.y(points.mean[i]), series.published, stroke);
    }

    legend() {
      const list = document.createElement("ul");
      list.className = "legend";
      for (const series of this.chart.series) {
        const item = document.createElement("li");
        const icon = element("svg", { viewBox: "0 0 34 12", "aria-hidden": "true" });
        element("line", { x1: 1, x2: 33, y1: 6, y2: 6, stroke: colour(series), "stroke-width": 2, "stroke-dasharray": series.published ? "6 4" : "none" }, icon);
        mark(icon, series.look, 17, 6, series.published, colour(series));
        const missing = this.series.includes(series) ? "" : " (by updates only)";
        item.append(icon, series.name + (series.note ? `: ${series.note}` : "") + missing);
        list.append(item);
      }
      return list;
    }

    point(event) {
      const box = event.currentTarget.getBoundingClientRect();
      const x = ((event.clientX - box.left) * this.width) / box.width;
      let best = 0;
      this.xs.forEach((value, i) => {
        if (Math.abs(this.x(value) - x) < Math.abs(this.x(this.xs[best]) - x)) best = i;
      });
      this.read(best);
    }

    key(event) {
      const last = this.xs.length - 1, now = this.place;
      const places = {
        ArrowRight: now === null ? 0 : Math.min(now + 1, last), ArrowLeft: now === null ? last : Math.max(now - 1, 0),
        Home: 0, End: last,
      };
      if (!(event.key in places)) return;
      event.preventDefault();
      this.read(places[event.key]);
    }

    read(place) {
      this.place = place;
      const x = this.xs[place], words = [];
      this.cursor.replaceChildren();
      element("line", { x1: this.x(x), x2: this.x(x), y1: this.top, y2: this.height - this.bottom, stroke: "var(--faint)" }, this.cursor);
      for (const series of this.series) {
        const points = series[this.against];
        let near = 0;
        points.x.forEach((value, i) => { if (Math.abs(value - x) < Math.abs(points.x[near] - x)) near = i; });
        if (Math.abs(points.x[near] - x) > 0.02 * this.xHigh) continue;
        const { mean, low, high } = points;
        const range = high[near] > low[near] ? ` [${short(low[near])}, ${short(high[near])}]` : "";
        const at = points.x[near] === x ? "" : ` at ${this.position(points.x[near])}`;
        words.push(`${series.name}: ${short(mean[near])}${range}${at}`);
        element("circle", { cx: this.x(points.x[near]), cy: this.y(mean[near]), r: 6, fill: "none", stroke: colour(series), "stroke-width": 2 }, this.cursor);
      }
      this.output.textContent = `${this.position(x)} — ${words.join("; ")}`;
    }

    position(x) { return `${short(x / this.length)} ${this.unit}`; }
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colours = () => {
    const theme = chosen("theme");
    document.documentElement.dataset.theme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
  };
  dark.addEventListener("change", colours);
  document.getElementById("theme").addEventListener("change", colours);
  colours();
  const all = [...document.querySelectorAll(".chart")].map((figure) => new Chart(figure));
  document.querySelector(".controls").addEventListener("change", () => all.forEach((chart) => chart.draw()));
})();
