// Boxes with code that the reader changes and runs: one Python for the page, started by the first of them.
const lite = new URL(".", import.meta.url);
const has = npflPractice;
const LIMIT = 10;
const chapter = location.pathname.split("/").pop().replace(/\.html$/, "");
// What a chapter may import, as a reader calls it.
const NAMES = { numpy: "NumPy", matplotlib: "Matplotlib", ipywidgets: "ipywidgets", scipy: "SciPy", sklearn: "scikit-learn" };
const plain = (code) => code.replace(/\s+$/gm, "").trim();
const make = (tag, more = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), more);
  element.append(...children);
  return element;
};

class Stopped extends Error {}

const python = {
  worker: null, done: new Set(), jobs: new Map(), last: 0,
  start() {
    if (this.worker) return this.ready;
    const worker = new Worker(new URL("worker.js", lite), { type: "module", name: has.first });
    this.worker = worker;
    this.done = new Set();
    this.ready = new Promise((/** @type {(value?: any) => void} */ ready, fail) => {
      this.fail = fail;
      worker.onmessage = ({ data }) => {
        if (data.kind === "ready") return ready();
        if (data.kind === "broken") return fail(new Error(data.text));
        const job = this.jobs.get(data.id);
        if (data.kind === "text") return job?.write(data.text);
        this.jobs.delete(data.id);
        return job?.end(data);
      };
      worker.onerror = (event) => fail(new Error(event.message || "the worker did not start"));
    });
    this.ready.catch(() => this.stop());
    return this.ready;
  },
  stop() {
    this.worker?.terminate();
    this.worker = null;
    this.fail?.(new Stopped());
    for (const job of this.jobs.values()) job.fail(new Stopped());
    this.jobs.clear();
  },
  run(source, name, write, alone = false) {
    return new Promise((end, fail) => {
      const id = ++this.last;
      this.jobs.set(id, { write, end, fail });
      this.worker.postMessage({ id, source, name, alone });
    });
  },
};

// At the click, before anything else is fetched; a box says what went wrong.
if (typeof WebAssembly === "object") python.start().catch(() => {});

// The chapter's cells in order, those that the page hides among them.
const cells = fetch(new URL(`files/${chapter}.ipynb`, lite)).then((answer) => answer.json()).then((notebook) =>
  notebook.cells.filter((cell) => cell.cell_type === "code").slice(1).map((cell, number) => ({
    number, source: [cell.source].flat().join(""), original: plain([cell.source].flat().join("")),
  })));

let queue = Promise.resolve();

// Runs the cells before a place that have not run yet, then what is asked for; the boxes wait for each other.
// One that needs a package which this copy has not, and what fails after it, may be of no use here: it counts
// when this code fails too.
// A question, which has a time limit, has names of its own.
function inOrder(before, source, name, box, limit) {
  const run = queue.then(async () => {
    await python.start();
    const quiet = () => {};
    let lacking;
    const shown = new Set((await places).values());
    const waiting = (await cells).filter((cell) => cell.number < before && !python.done.has(cell.number));
    for (const [index, cell] of waiting.entries()) {
      box.say(`Running the code before it (${index + 1} of ${waiting.length}).`);
      const found = await python.run(cell.source, `cell ${cell.number + 1}`, quiet);
      if (found.why?.[0] === "missing") lacking ??= found;
      else if (!found.error || !shown.has(cell.number)) python.done.add(cell.number);
      else if (!lacking) return { ...found, earlier: true };
    }
    box.say("Running.");
    const clock = limit && setTimeout(() => { box.late = true; python.stop(); }, limit * 1000);
    try {
      const found = await python.run(source, name, box.write, !!limit);
      return found.error && lacking || found;
    } finally { clearTimeout(clock); }
  });
  queue = run.catch(() => {});
  return run;
}

// An editor with its buttons and its output; `after` turns what was found into a sentence.
function box(label, code, act, after) {
  const editor = make("textarea", { value: code, spellcheck: false, autocapitalize: "off", ariaLabel: label, rows: code.split("\n").length + 1 });
  editor.setSelectionRange(0, 0); // else a narrow screen shows the end of the last line only
  const go = make("button", { type: "button", textContent: act });
  const stop = make("button", { type: "button", textContent: "Stop", disabled: true });
  const back = make("button", { type: "button", textContent: "Undo my changes", disabled: true });
  const status = make("p", { role: "status" });
  const output = make("div", { className: "output", ariaLive: "polite" });
  const text = make("pre", { tabIndex: 0, ariaLabel: "Output" });
  text.setAttribute("role", "region");
  const self = {
    editor, late: false,
    element: make("div", { className: "npfl-box" }, editor, make("div", { className: "buttons" }, go, stop, back), status, output),
    say(sentence, ...more) { status.replaceChildren(sentence, ...more); },
    write(more) { text.append(more); if (!text.isConnected) output.append(text); },
  };
  const notebook = make("a", { href: new URL(`files/${chapter}.ipynb`, lite), download: `${chapter}.ipynb`, textContent: "Download the notebook" });
  const missing = (what) => self.say(`${what} is not in this copy of the book, so this code does not run here. `, notebook, " and run it in Jupyter.");

  async function start() {
    go.disabled = true;
    stop.disabled = false;
    self.late = false;
    output.replaceChildren();
    text.replaceChildren();
    self.say(python.worker ? "Running." : "Python is loading.");
    try {
      const found = await self.run(editor.value);
      if (found.shown !== null && found.shown !== undefined) self.write(found.shown);
      for (const [svg, alt] of found.pictures) {
        // As HTML: the text names no namespace, and as XML it would be no picture.
        const picture = make("div", { ariaLabel: alt }, ...new DOMParser().parseFromString(svg, "text/html").body.childNodes);
        picture.setAttribute("role", "img");
        output.append(picture);
      }
      const module = found.why?.[0] === "missing" && NAMES[found.why[1].match(/'(\w+)/)?.[1]];
      if (module) missing(module);
      else if (found.earlier) { self.write(found.error); self.say("A cell before this one stopped with an error."); }
      else after(self, found);
    } catch (error) {
      if (!(error instanceof Stopped)) self.say(`Python did not start: ${error.message}. Reload the page, or `, notebook, ".");
      else if (self.late) self.say(`Stopped after ${LIMIT} seconds: is there a loop that does not end? The next run starts anew.`);
      else self.say("Stopped. The names of all cells are lost; the next run starts from the top of the page.");
    }
    go.disabled = false;
    stop.disabled = true;
  }

  go.onclick = start;
  stop.onclick = () => python.stop();
  back.onclick = () => { editor.value = code; back.disabled = true; editor.focus(); };
  editor.oninput = () => { back.disabled = editor.value === code; editor.rows = editor.value.split("\n").length + 1; };
  editor.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) { event.preventDefault(); if (!go.disabled) start(); }
  };
  if (typeof WebAssembly !== "object") {
    go.disabled = true;
    self.say("This browser has no WebAssembly, so Python cannot run in it. ", notebook, " and run it in Jupyter.");
  } else {
    self.say("Python is loading.");
    python.start().then(() => { if (status.textContent === "Python is loading.") self.say("Ready: Ctrl+Enter runs it."); }, (error) => {
      if (!(error instanceof Stopped)) self.say(`Python did not start: ${error.message}. Reload the page, or `, notebook, ".");
    });
  }
  return self;
}

// Which of the chapter's cells the page shows where; noted before a box replaces one.
const parts = [...document.querySelectorAll(".cell_input")];
const codes = parts.map((part) => plain(part.querySelector("pre")?.textContent ?? ""));
const places = cells.then((all) => {
  let next = 0;
  return new Map(parts.map((part, index) => {
    const found = all.findIndex((cell) => cell.number >= next && cell.original === codes[index]);
    if (found >= 0) next = found + 1;
    return [part, found];
  }));
});

export async function openCell(input) {
  const code = input.querySelector("pre").textContent.replace(/\n$/, "");
  const cell = (await cells)[(await places).get(input)];
  const label = `Code of cell ${cell.number + 1}`;
  const opened = box(label, code, "Run", (self, found) => {
    if (found.error) { self.write(found.error); self.say("Python stopped with an error; the last line says which."); }
    else { python.done.add(cell.number); self.say("Done."); }
  });
  opened.run = (source) => {
    cell.source = source;
    python.done.delete(cell.number);
    return inOrder(cell.number, source, `cell ${cell.number + 1}`, opened);
  };
  opened.element.append(make("a", { href: new URL(`notebook.html?open=${chapter}`, lite), textContent: `Open the chapter as a notebook (loads ${has.notebook} MB once)` }));
  input.replaceWith(opened.element);
  opened.editor.focus();
}

export async function openQuestion(question) {
  const [start, checks] = [...question.querySelectorAll("pre")].map((pre) => pre.textContent.replace(/\n$/, ""));
  const opened = box("Your answer", start, "Check my answer", (self, found) => {
    if (!found.error) self.say("Correct: all checks passed.");
    else if (found.why[0] === "failed" && found.why[1]) self.say(`Not yet: ${found.why[1]}`);
    else { self.write(found.error); self.say("Not yet: Python stopped with an error; the last line says which."); }
  });
  opened.run = (source) => inOrder(0, `${source}\n${checks}\n`, "your answer", opened, LIMIT);
  question.querySelector(".start").replaceWith(opened.element);
  opened.editor.focus();
}
