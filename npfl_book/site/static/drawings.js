// The figures that readers move by hand, drawn anew with each move; live.js has their formulas, hands.js brings
// them in the place of their frames.
import { bell, best, factors, meanLoss, needed, optimizers, posterior, quadratic, remain, shrunk, walk } from "./live.js";

const WIDTH = 480;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const color = (name) => name === "text" ? "currentColor" : `var(--npfl-${name})`;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const sign = (text) => text.replaceAll("-", "\u2212"); // spoken as minus
const to = (value, digits) => sign((+value.toFixed(digits) + 0).toFixed(digits));
const range = (count, low, high) => Array.from({ length: count }, (_, i) => low + (high - low) * i / (count - 1));
let clips = 0;

/** @param {Element} parent */
const add = (parent, name, attributes = {}, text = "") => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, `${value}`);
  element.textContent = text;
  parent.append(element);
  return element;
};

// What stands around every drawing: the picture, rows of controls, the sentence, buttons.
const stage = (label, tall) => {
  const root = document.createElement("div");
  root.className = "npfl-by-hand";
  const picture = document.createElement("div");
  picture.className = "npfl-picture";
  const svg = add(picture, "svg", { viewBox: `0 0 ${WIDTH} ${tall}`, role: "group", "aria-label": label });
  const controls = document.createElement("div");
  controls.className = "npfl-controls";
  const below = document.createElement("div");
  below.className = "npfl-below";
  const says = document.createElement("p");
  says.className = "npfl-says";
  says.setAttribute("role", "status");
  const buttons = document.createElement("div");
  buttons.className = "npfl-buttons";
  below.append(says, buttons);
  root.append(picture, controls, below);

  const slider = (name, last, start, text, changed) => {
    const id = `by-hand-${++clips}`;
    const named = Object.assign(document.createElement("label"), { htmlFor: id, textContent: name });
    const input = Object.assign(document.createElement("input"), { id, type: "range", min: "0", max: `${last}`, value: `${start}`, autocomplete: "off" });
    const output = Object.assign(document.createElement("output"), { ariaHidden: "true" });
    const show = () => {
      output.textContent = text(+input.value);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => { show(); changed(+input.value); });
    show();
    controls.append(named, input, output);
    return (value) => { input.value = `${value}`; show(); };
  };
  const choice = (name, values, start, changed) => {
    const id = `by-hand-${++clips}`;
    const named = Object.assign(document.createElement("span"), { id, className: "npfl-label", textContent: name });
    const row = Object.assign(document.createElement("div"), { className: "npfl-choice", role: "radiogroup" });
    row.setAttribute("aria-labelledby", id);
    for (const value of values) {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: `${id}-radio`, checked: value === start });
      input.addEventListener("change", () => changed(value));
      label.append(input, Object.assign(document.createElement("span"), { textContent: value }));
      row.append(label);
    }
    controls.append(named, row);
  };
  const button = (text, pressed, className = "") => {
    const element = Object.assign(document.createElement("button"), { type: "button", textContent: text, className });
    element.addEventListener("click", pressed);
    buttons.append(element);
    return element;
  };
  return { root, svg, slider, choice, button, says: (text) => { says.textContent = text; } };
};

// A pair of axes in a box of the picture; `log` for the vertical one.
const axes = (svg, [left, top, wide, tall], [x0, x1], [y0, y1], { xticks = [], yticks = [], xlabel = "", title = "", log = false, names = (y) => `${y}` } = {}) => {
  const up = log ? Math.log10 : (/** @type {number} */ value) => value;
  const X = (x) => left + (x - x0) / (x1 - x0) * wide;
  const Y = (y) => top + tall - (up(y) - up(y0)) / (up(y1) - up(y0)) * tall;
  const frame = add(svg, "g", { "aria-hidden": "true", "font-size": 15 });
  const line = (d) => add(frame, "path", { d, fill: "none", stroke: "currentColor" });
  line(`M${left} ${top}V${top + tall}H${left + wide}`);
  for (const x of xticks) {
    line(`M${X(x)} ${top + tall}v5`);
    add(frame, "text", { x: X(x), y: top + tall + 19, "text-anchor": "middle" }, sign(`${x}`));
  }
  for (const y of yticks) {
    line(`M${left} ${Y(y)}h-5`);
    add(frame, "text", { x: left - 9, y: Y(y) + 5, "text-anchor": "end" }, sign(names(y)));
  }
  add(frame, "text", { x: left + wide / 2, y: top + tall + 38, "text-anchor": "middle" }, xlabel);
  add(frame, "text", { x: left, y: top - 7 }, title);
  const clip = `by-hand-clip-${++clips}`;
  add(add(svg, "clipPath", { id: clip }), "rect", { x: left, y: top - 2, width: wide + 2, height: tall + 4 });
  const inside = add(svg, "g", { "clip-path": `url(#${clip})`, "aria-hidden": "true", "font-size": 15 });
  const path = (points) => points.map(([x, y]) => `${X(x).toFixed(1)} ${Y(y).toFixed(1)}`).join("L");
  return {
    X, Y, wide, tall,
    back: (px, py) => [x0 + (px - left) / wide * (x1 - x0), y0 + (top + tall - py) / tall * (y1 - y0)],
    clear: () => inside.replaceChildren(),
    line: (points, name, { width = 2, dash = "", opacity = 1 } = {}) => add(inside, "path", {
      d: `M${path(points)}`, fill: "none", stroke: color(name), "stroke-width": width, "stroke-dasharray": dash, opacity,
    }),
    dot: (/** @type {number[]} */ [x, y], name, size = 5) => add(inside, "circle", { cx: X(x), cy: Y(y), r: size, fill: color(name) }),
    text: ([x, y], text, name, anchor = "start") => add(inside, "text", { x: X(x), y: Y(y), "text-anchor": anchor, fill: color(name) }, text),
  };
};

// The names of curves, above them and in their colours.
const name = (svg, names) => {
  const row = add(svg, "g", { "aria-hidden": "true", "font-size": 15, "font-weight": 600 });
  names.forEach(([text, tone], i) => add(row, "text", { x: 90 + 130 * i, y: 16, fill: color(tone) }, text));
};

// A point that is dragged, or moved with the arrow keys. `put` is given the place that is wanted, `place` says
// where it is, `text` how that is spoken.
const handle = (svg, plot, { label, name, place, put, text, step, draw }) => {
  const group = add(svg, "g", { class: "npfl-handle", tabindex: 0, role: "slider", "aria-label": label });
  add(group, "circle", { r: 20, fill: "transparent" });
  add(group, "circle", { r: 8, fill: color(name), stroke: "var(--npfl-paper)", "stroke-width": 2 });
  const show = () => {
    const [x, y] = place();
    group.setAttribute("transform", `translate(${plot.X(x).toFixed(1)} ${plot.Y(y).toFixed(1)})`);
    group.setAttribute("aria-valuenow", x.toFixed(3));
    group.setAttribute("aria-valuetext", text());
  };
  const move = (x, y) => { put(x, y); draw(); };
  let offset = null;
  const where = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return plot.back(point.x, point.y);
  };
  group.addEventListener("pointerdown", (event) => {
    const [x, y] = place(), [px, py] = where(event);
    offset = [x - px, y - py];
    group.setPointerCapture(event.pointerId);
    group.focus();
    event.preventDefault();
  });
  group.addEventListener("pointermove", (event) => {
    if (!offset) return;
    const [px, py] = where(event);
    move(px + offset[0], py + offset[1]);
  });
  for (const end of ["pointerup", "pointercancel"]) group.addEventListener(end, () => { offset = null; });
  group.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const [x, y] = place(), times = event.shiftKey ? 5 : 1;
    move(x + way[0] * step[0] * times, y + way[1] * step[1] * times);
  });
  return show;
};

// 03: the outlier.
const outlier = ({ values, delta }) => {
  const { root, svg, slider, button, says } = stage("Five measurements on an axis, and three curves of the mean loss over a constant prediction.", 285);
  const plot = axes(svg, [46, 26, 420, 206], [0.5, 5.1], [0, 3.7], { xticks: [1, 2, 3, 4, 5], yticks: [0, 1, 2, 3], xlabel: "measurements, and constant prediction" });
  const looks = { squared: ["derivative", ""], absolute: ["other", "7 4"], Huber: ["model", "2 3"] };
  name(svg, Object.entries(looks).map(([loss, [tone]]) => [loss, tone]));
  let now = [...values], width = delta;
  const spread = range(231, 0.5, 5.1), widths = range(41, Math.log(0.05), Math.log(5)).map(Math.exp);
  const draw = () => {
    plot.clear();
    const found = [];
    for (const [name, [tone, dash]] of Object.entries(looks)) {
      plot.line(spread.map((x) => [x, meanLoss(name, now, x, width)]), tone, { dash });
      const at = best[name](now, width);
      plot.dot([at, meanLoss(name, now, at, width)], tone);
      found.push(`${name} ${to(at, 2)}`);
    }
    for (const show of shows) show();
    says(`Best constant: ${found.join(", ")}.`);
  };
  const shows = now.map((_, i) => handle(svg, plot, {
    label: `measurement ${i + 1}`, name: "gold", step: [0.1, 0], draw,
    place: () => [now[i], 0], put: (x) => { now[i] = clamp(x, 0.5, 5); }, text: () => to(now[i], 2),
  }));
  const nearest = widths.reduce((nearer, width_, i) => Math.abs(width_ - delta) < Math.abs(widths[nearer] - delta) ? i : nearer, 0);
  widths[nearest] = delta;
  const put = slider("δ of Huber", 40, nearest, (i) => to(widths[i], 2), (i) => { width = widths[i]; draw(); });
  button("Reset", () => { now = [...values]; width = delta; put(nearest); draw(); });
  draw();
  return root;
};

// 02b: the ravine.
const ravine = (given) => {
  const { root, svg, slider, choice, button, says } = stage("The ellipses of a long valley, the paths of six optimizers from a start that can be moved, and below how far they are from the minimum after each step.", 330);
  const above = axes(svg, [46, 8, 424, 116], [-3, 5], [-0.1, 2.1], { xticks: [-2, 0, 2, 4], yticks: [0, 1, 2] });
  const lower = axes(svg, [46, 172, 330, 114], [0, 80], [1e-3, 60], { xticks: [0, 20, 40, 60, 80], yticks: [1e-3, 1e-2, 0.1, 1, 10], log: true, xlabel: "step", title: "distance from the minimum", names: (y) => ({ 0.001: "10⁻³", 0.01: "10⁻²" })[y] ?? `${y}` });
  const looks = { SGD: ["model", ""], momentum: ["model", "7 4"], SGDW: ["model", "2 3"], RMSProp: ["other", ""], Adam: ["other", "7 4"], AdamW: ["other", "2 3"] };
  const { curvature, minimum, rates, steps } = given;
  let start = [...given.start], chosen = "SGD", rate = 0, until = steps, timer = 0;
  const all = range(21, Math.log(rates[0]), Math.log(rates.at(-1))).map(Math.exp);
  const turn = range(61, 0, 2 * Math.PI);
  const draw = () => {
    const place = { curvature, minimum, start };
    const quickest = Object.fromEntries(["SGD", "momentum", "RMSProp", "Adam"].map((name) => {
      const counts = rates.map((each) => needed(walk(name, each, place, 300), place));
      const least = Math.min(...counts);
      return [name, { rate: rates[counts.indexOf(least)], steps: least }];
    }));
    const rateOf = (name) => rate ? all[rate - 1] : quickest[{ SGDW: "momentum", AdamW: "Adam" }[name] ?? name].rate;
    above.clear();
    lower.clear();
    for (const level of [0.5, 2, 5, 10, 20, 40]) {
      const [wide, high] = curvature.map((c) => Math.sqrt(2 * level / c));
      above.line(turn.map((a) => [minimum[0] + wide * Math.cos(a), minimum[1] + high * Math.sin(a)]), "text", { width: 0.7, opacity: 0.5 });
    }
    const ends = [];
    for (const name of Object.keys(optimizers)) {
      const path = walk(name, rateOf(name), place, until);
      const [tone, dash] = looks[name];
      const look = name === chosen ? { dash, width: 3 } : { dash, width: 1.5, opacity: 0.5 };
      const out = path.findIndex((theta) => theta.some((value, i) => Math.abs(value - minimum[i]) > 20));
      above.line(out < 0 ? path : path.slice(0, out), tone, look);
      if (out < 0) above.dot(path.at(-1), tone, name === chosen ? 5 : 3);
      const far = path.map((theta) => clamp(Math.hypot(theta[0] - minimum[0], theta[1] - minimum[1]), 1e-3, 1e2));
      lower.line(far.map((distance, i) => [i, distance]), tone, look);
      ends.push([lower.Y(clamp(far.at(-1), 1e-3, 60)), name, tone, far.length - 1]);
    }
    above.dot(minimum, "gold", 6);
    // Names at the ends of the curves, as far apart as letters need.
    ends.sort((a, b) => a[0] - b[0]);
    ends.forEach((end, i) => { if (i) end[0] = Math.max(end[0], ends[i - 1][0] + 17); });
    const over = Math.max(0, ends.at(-1)[0] - lower.Y(1e-3) - 6);
    labels.replaceChildren();
    ends.forEach(([y, name, tone]) => add(labels, "text", { x: 384, y: y - over + 5, fill: color(tone), "font-weight": name === chosen ? 700 : 400 }, name));
    show();
    const order = Object.entries(quickest).map(([name, { steps: own }]) => [name, rate ? needed(walk(name, all[rate - 1], place, 300), place) : own]).sort((a, b) => a[1] - b[1]);
    says(`From (${start.map((value) => to(value, 1)).join(", ")}), steps until the loss is below 0.01: ${order.map(([name, count]) => `${name} ${Number.isFinite(count) ? count : "more than 300"}`).join(", ")}.`);
  };
  const labels = add(svg, "g", { "aria-hidden": "true", "font-size": 15 });
  const show = handle(svg, above, {
    label: "start", name: "derivative", step: [0.2, 0.1], draw: () => { stop(); draw(); }, place: () => start,
    put: (x, y) => { start = [clamp(x, -3, 5), clamp(y, 0, 2)]; }, text: () => start.map((value) => to(value, 1)).join(", "),
  });
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    until = steps;
    race.textContent = "Race";
  };
  choice("drawn thick", Object.keys(optimizers), chosen, (name) => { chosen = name; draw(); });
  const put = slider("learning rate", all.length, 0, (i) => i ? all[i - 1].toPrecision(2) : "best of each", (i) => { rate = i; draw(); });
  const race = button("Race", () => {
    if (timer) { stop(); draw(); return; }
    until = 0;
    race.textContent = "Stop";
    timer = setInterval(() => {
      until += 1;
      if (until >= steps || still.matches || !root.isConnected) stop();
      draw();
    }, 50);
  }, "npfl-play");
  button("Reset", () => { stop(); start = [...given.start]; rate = 0; put(0); draw(); });
  draw();
  return root;
};

// 07b: the ellipse.
const contours = (given) => {
  const { root, svg, slider, button, says } = stage("Ellipses around the minimum of the loss, which can be moved and turned, the circle of the weights with the same penalty, and the path of the minimum from there to 0.", 336);
  const plot = axes(svg, [60, 10, 362, 290], [-2.4, 2.9], [-1.1, 3.15], { xticks: [-2, -1, 0, 1, 2], yticks: [-1, 0, 1, 2, 3] });
  const { steep, outermost } = given;
  let { angle, flat } = given, minimum = [...given.minimum];
  const turn = range(91, 0, 2 * Math.PI);
  const strengths = [0, ...range(45, Math.log(0.001), Math.log(30)).map(Math.exp)];
  const first = strengths.findIndex((value) => value >= given.strength);
  strengths[first] = given.strength;
  let strength = given.strength;
  const long = () => Math.sqrt(2 * outermost / flat);
  const draw = () => {
    const A = quadratic(angle, flat, steep), theta = shrunk(A, minimum, strength);
    const offset = theta.map((value, i) => value - minimum[i]);
    const through = offset.reduce((sum, value, i) => sum + value * (A[i][0] * offset[0] + A[i][1] * offset[1]), 0) / 2;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const ellipse = (level) => turn.map((t) => {
      const u = Math.sqrt(2 * level / flat) * Math.cos(t), v = Math.sqrt(2 * level / steep) * Math.sin(t);
      return [minimum[0] + u * c - v * s, minimum[1] + u * s + v * c];
    });
    plot.clear();
    plot.line([[-3, 0], [3, 0]], "text", { width: 0.8 });
    plot.line([[0, -2], [0, 4]], "text", { width: 0.8 });
    for (const level of [outermost / 9, outermost / 2.25, outermost]) plot.line(ellipse(level), "model", { width: 1 });
    if (through > 1e-9) plot.line(ellipse(through), "model", { width: 2.5 });
    const radius = Math.hypot(...theta);
    plot.line(turn.map((t) => [radius * Math.cos(t), radius * Math.sin(t)]), "other", { width: 2.5 });
    plot.line([0, ...range(70, Math.log(0.001), Math.log(1000)).map(Math.exp)].map((each) => shrunk(A, minimum, each)), "text", { width: 1.5, dash: "5 4" });
    plot.dot(theta, "derivative", 7);
    for (const show of shows) show();
    const kept = [flat, steep].map((curvature) => `${(100 * curvature / (curvature + 2 * strength)).toFixed(0)} %`);
    says(`Weights (${theta.map((value) => to(value, 2)).join(", ")}). Kept in the flat direction: ${kept[0]}, in the steep one: ${kept[1]}.`);
  };
  const shows = [
    handle(svg, plot, {
      label: "minimum of the loss", name: "gold", step: [0.1, 0.1], draw, place: () => minimum,
      put: (x, y) => { minimum = [clamp(x, -2.3, 2.8), clamp(y, -1, 3)]; }, text: () => minimum.map((value) => to(value, 1)).join(", "),
    }),
    handle(svg, plot, {
      label: "end of the flat direction", name: "model", step: [0.1, 0.1], draw,
      place: () => [minimum[0] - long() * Math.cos(angle), minimum[1] - long() * Math.sin(angle)],
      put: (x, y) => {
        const [dx, dy] = [minimum[0] - x, minimum[1] - y], length = clamp(Math.hypot(dx, dy), 0.8, 2.6);
        angle = Math.atan2(dy, dx);
        flat = 2 * outermost / length ** 2;
      },
      text: () => `${to(angle * 180 / Math.PI, 0)}°, curvature ${to(flat, 2)}`,
    }),
  ];
  const put = slider("strength λ", strengths.length - 1, first, (i) => strengths[i] ? `${+strengths[i].toPrecision(2)}` : "0", (i) => { strength = strengths[i]; draw(); });
  button("Reset", () => { ({ angle, flat, strength } = given); minimum = [...given.minimum]; put(first); draw(); });
  draw();
  return root;
};

// 07c: prior and data.
const map = (given) => {
  const { root, svg, button, says } = stage("Three bell curves over the parameter: the prior and the likelihood, which can be moved and widened, and the posterior between them.", 272);
  const plot = axes(svg, [34, 30, 436, 190], [-2.5, 3.5], [0, 1.08], { xticks: [-2, -1, 0, 1, 2, 3], yticks: [0, 1], xlabel: "parameter θ" });
  let { prior, deviation, average, count } = given;
  const spread = range(241, -2.5, 3.5), flank = Math.exp(-0.5);
  const draw = () => {
    const [mean, width] = posterior(prior, deviation, average, count);
    plot.clear();
    const curve = (center, wide, tone, look) => plot.line(spread.map((x) => [x, bell(x, center, wide)]), tone, look);
    curve(prior, deviation, "other", { dash: "7 4" });
    curve(average, 1 / Math.sqrt(count), "gold", { dash: "2 3" });
    curve(mean, width, "model", { width: 3 });
    plot.line([[mean, 0], [mean, 1]], "model", { width: 1, dash: "2 3" });
    for (const show of shows) show();
    says(`MLE ${to(average, 2)}, MAP ${to(mean, 3)}, standard deviation of the posterior ${to(width, 3)}. Prior: mean ${to(prior, 2)}, s = ${to(deviation, 2)}; examples: N = ${count}.`);
  };
  name(svg, [["prior", "other"], ["likelihood", "gold"], ["posterior", "model"]]);
  const flat = { draw, step: [0.1, 0] };
  const shows = [
    handle(svg, plot, { ...flat, label: "mean of the prior", name: "other", place: () => [prior, 1], put: (x) => { prior = clamp(x, -2, 3); }, text: () => to(prior, 2) }),
    handle(svg, plot, { ...flat, label: "standard deviation of the prior", name: "other", place: () => [prior - deviation, flank], put: (x) => { deviation = clamp(prior - x, 0.1, 4); }, text: () => to(deviation, 2) }),
    handle(svg, plot, { ...flat, label: "average of the examples", name: "gold", place: () => [average, 1], put: (x) => { average = clamp(x, -2, 3); }, text: () => to(average, 2) }),
    // A step moves the number of examples, the flank follows.
    handle(svg, plot, {
      ...flat, label: "number of examples", name: "gold", place: () => [average + 1 / Math.sqrt(count), flank],
      put: (x) => {
        const wanted = clamp(Math.round(1 / Math.max(0.1, x - average) ** 2), 1, 100), was = 1 / Math.sqrt(count);
        count = wanted === count && x - average !== was ? clamp(count + Math.sign(was - (x - average)) * +(Math.abs(was - (x - average)) > 0.09), 1, 100) : wanted;
      },
      text: () => `${count}`,
    }),
  ];
  button("Reset", () => { ({ prior, deviation, average, count } = given); draw(); });
  draw();
  return root;
};

// 11: masks of dropout.
const masks = ({ rate: first }) => {
  const { root, svg, slider, button, says } = stage("A network of four layers whose inputs and hidden units are switched off by chance or by hand, and how often which number of them remained.", 250);
  const sizes = [4, 5, 5, 1];
  const units = sizes.flatMap((size, level) => range(size, 0, size - 1).map((i) => [150 + (size > 1 ? i - (size - 1) / 2 : 0) * 58, 222 - level * 65, level]));
  const lines = add(svg, "g", { "aria-hidden": "true", stroke: "currentColor" });
  const plot = axes(svg, [330, 40, 140, 150], [-0.6, 14.6], [0, 0.3], { xticks: [0, 7, 14], xlabel: "units that remain", title: "share of tosses" });
  let rate = first, kept = units.map(() => true), counts = Array(15).fill(0), tosses = 0;
  const drop = units.slice(0, 14).map(([x, y, level], i) => {
    const within = i - sizes.slice(0, level).reduce((sum, size) => sum + size, 0) + 1;
    const unit = add(svg, "g", { class: "npfl-handle", tabindex: 0, role: "switch", transform: `translate(${x} ${y})`, "aria-label": level ? `hidden unit ${within} of layer ${level}` : `input ${within}` });
    const ring = add(unit, "circle", { r: 15, "stroke-width": 3, fill: "var(--npfl-paper)" });
    const cross = add(unit, "path", { d: "M-8-8 8 8M-8 8 8-8", "stroke-width": 3, stroke: color("derivative") });
    const turn = () => { kept[i] = !kept[i]; draw(); };
    unit.addEventListener("click", turn);
    unit.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      turn();
    });
    return () => {
      unit.setAttribute("aria-checked", `${kept[i]}`);
      ring.setAttribute("stroke", color(kept[i] ? "model" : "derivative"));
      cross.setAttribute("opacity", kept[i] ? "0" : "1");
    };
  });
  const [x, y] = units[14];
  add(svg, "circle", { cx: x, cy: y, r: 15, "stroke-width": 3, fill: "var(--npfl-paper)", stroke: color("model"), "aria-hidden": "true" });
  const draw = () => {
    lines.replaceChildren();
    units.forEach(([ax, ay, level], a) => units.forEach(([bx, by, above], b) => {
      if (above === level + 1 && kept[a] && kept[b]) add(lines, "path", { d: `M${ax} ${ay}L${bx} ${by}` });
    }));
    for (const show of drop) show();
    plot.clear();
    counts.forEach((count, k) => { if (count) plot.line([[k, 0], [k, Math.min(0.3, count / tosses)]], "model", { width: 7 }); });
    counts.forEach((_, k) => plot.dot([k, Math.min(0.3, remain(k, 14, rate))], "gold", 3.5));
    plot.text([rate < 0.5 ? 0 : 14, 0.275], "● expected", "gold", rate < 0.5 ? "start" : "end");
    const left = kept.slice(0, 14).filter(Boolean).length;
    const mean = counts.reduce((sum, count, k) => sum + k * count, 0) / tosses;
    says(`${left} of 14 units remain; expected ${to(14 * (1 - rate), 1)}. ${tosses ? `Mean of ${tosses} toss${tosses > 1 ? "es" : ""}: ${to(mean, 2)}.` : "Press a unit to switch it."}`);
  };
  const toss = (times) => {
    for (let i = 0; i < times; i++) {
      kept = [...factors(Array.from({ length: 14 }, Math.random), rate).map(Boolean), true];
      counts[kept.filter(Boolean).length - 1] += 1;
      tosses += 1;
    }
    draw();
  };
  const again = () => { kept = units.map(() => true); counts = Array(15).fill(0); tosses = 0; draw(); };
  const put = slider("dropout rate p", 18, Math.round(first * 20), (i) => to(i / 20, 2), (i) => { rate = i / 20; again(); });
  button("Toss", () => toss(1));
  button("Toss 100 times", () => toss(100));
  button("Reset", () => { rate = first; put(Math.round(first * 20)); again(); });
  draw();
  return root;
};

/** @type {Record<string, (given: any) => HTMLElement>} */
export const drawings = { outlier, ravine, contours, map, masks };
