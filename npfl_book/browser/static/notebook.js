// A notebook of the book in JupyterLite, with what a student needs around it: the work is kept in the browser,
// never overwritten, and downloaded as a file that nbgrader collects.
/** @returns {any} */
const at = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search).get("open") ?? "";
const name = /^[\w-]+$/.test(asked) ? asked : "";
const path = `${name}.ipynb`;
let notebook, lab;

const say = (text) => { if (at("status").textContent !== text) at("status").textContent = text; };

// The link replaces the button where the notebook cannot be opened: it can still be solved elsewhere.
function refuse(text) {
  say(text);
  at("stop").hidden = true;
  at("download").textContent = "Download the notebook";
  at("download").disabled = !notebook;
  at("download").onclick = () => save(notebook);
}

function save(model) {
  const copy = structuredClone(model);
  const { npfl } = copy.metadata;
  delete copy.metadata.npfl;
  delete copy.metadata.language_info;
  copy.metadata.kernelspec = npfl?.kernelspec ?? { name: "python3", display_name: "Python 3", language: "python" };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(copy, null, 1) + "\n"], { type: "application/x-ipynb+json" }));
  link.download = path;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Some browsers say so at once, some only when something is opened.
const storage = () => new Promise((done) => {
  try {
    localStorage.length;
    const request = indexedDB.open("npfl-test");
    request.onsuccess = () => { request.result.close(); indexedDB.deleteDatabase("npfl-test"); done(true); };
    request.onerror = () => done(false);
  } catch { done(false); }
});

const LOCKED = `.jp-mod-readOnly { position: relative; box-shadow: inset 4px 0 var(--jp-border-color0); }
.jp-mod-readOnly::after { content: "locked"; position: absolute; bottom: 0; right: 0;
  padding: 0 0.4em; font: var(--jp-ui-font-size0) var(--jp-ui-font-family); color: var(--jp-ui-font-color1);
  background: var(--jp-layout-color2); pointer-events: none; }`;

// One tab a notebook: two would overwrite each other's work. The lock ends with the tab.
const alone = () => new Promise((done) => {
  if (!navigator.locks) return done(true);
  navigator.locks.request(`npfl:${name}`, { ifAvailable: true }, (lock) => {
    done(!!lock);
    return lock && new Promise(() => {});
  });
});

async function until(found, seconds) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    const value = found();
    if (value) return value;
    await new Promise((go) => setTimeout(go, 100));
  }
}

const keep = async () => {
  const widget = lab.shell.currentWidget;
  if (widget?.context?.model?.dirty) await widget.context.save();
};
// Whoever leaves gives the page no time to save: what is not saved yet is put aside at once, and brought back
// when the notebook is opened again. With pictures it may be too large for that; the code comes first.
const aside = `npfl:${name}`;
const putAside = () => {
  const model = lab?.shell.currentWidget?.context?.model;
  if (!model?.dirty) return;
  const left = model.toJSON();
  for (const keepOutputs of [true, false]) {
    if (!keepOutputs) for (const cell of left.cells) if (cell.cell_type === "code") cell.outputs = [];
    try { return localStorage.setItem(aside, JSON.stringify(left)); } catch { /* no room */ }
  }
};
async function bringBack(context) {
  const left = localStorage.getItem(aside);
  if (left) {
    context.model.fromJSON(JSON.parse(left));
    await context.save();
    localStorage.removeItem(aside);
  }
  // What was saved since is newer than what was put aside.
  context.saveState.connect((_, state) => {
    if (state === "completed" && !context.model.dirty) localStorage.removeItem(aside);
  });
}
const stored = async () => (await lab.serviceManager.contents.get(path, { content: true })).content;
const kernel = () => lab.shell.currentWidget?.sessionContext?.session?.kernel;

async function open() {
  const frame = document.createElement("iframe");
  frame.title = "The notebook";
  frame.src = `notebooks/index.html?path=${encodeURIComponent(path)}`;
  document.querySelector("main").replaceChildren(frame);
  const inner = frame.contentWindow;
  lab = await until(() => inner.jupyterapp, 60);
  // Of a Python that cannot start only the frame hears; JupyterLite goes on waiting for it.
  let broken = false;
  const fail = () => { broken = true; };
  inner.addEventListener("unhandledrejection", fail);
  inner.Worker = class extends inner.Worker {
    constructor(url, options) { super(url, options); this.addEventListener("error", fail); }
  };
  const widget = lab && await until(() => lab.shell.currentWidget?.context, 60) && lab.shell.currentWidget;
  if (!widget) return refuse("The notebook did not open: reload this page, or download it and solve it in Jupyter.");
  await widget.context.ready;
  await bringBack(widget.context);
  // JupyterLab marks an editor that takes no typing by a class alone, which nobody sees.
  const style = inner.document.createElement("style");
  style.textContent = LOCKED;
  inner.document.head.append(style);
  const mine = await stored();
  at("newer").hidden = mine.metadata.npfl?.release === notebook.metadata.npfl.release;
  at("download").disabled = false;
  at("download").onclick = async () => {
    await keep();
    save(await stored());
    say(`${path} was downloaded. Hand it in under this name.`);
  };
  const kept = has.numpy
    ? "Your work is kept in this browser."
    : "Your work is kept in this browser. NumPy is not in this copy of the book, so code that needs it does not run here: download the notebook to run it in Jupyter.";
  say(`${kept} Python is starting.`);
  const started = () => kernel()?.status === "idle";
  await until(() => broken || started(), 120);
  if (!started()) {
    say("Python did not start: reload this page; your work is kept.");
    if (!await until(started, 120)) return; // what broke was it, and not something else
  }
  at("stop").disabled = false;
  const ready = () => say(`Ready. ${kept}`);
  widget.context.fileChanged.connect(ready);
  ready();
}

at("stop").onclick = async () => {
  at("stop").disabled = true;
  say("Stopping.");
  await lab.shell.currentWidget.sessionContext.session.kernel.restart();
  at("stop").disabled = false;
  say("Stopped. Python has forgotten all names: run the cells again from the top.");
};

at("renew").onclick = async () => {
  at("newer").hidden = at("download").disabled = at("stop").disabled = true;
  await keep();
  const { contents } = lab.serviceManager;
  // The copy's name is free: no earlier copy is overwritten.
  const date = new Date().toISOString().slice(0, 16).replace(":", "-");
  await contents.save(`${name} (until ${date}).ipynb`, { type: "notebook", format: "json", content: await stored() });
  await contents.delete(path);
  await open();
};

addEventListener("pagehide", putAside);
addEventListener("visibilitychange", () => { if (lab && document.hidden) { putAside(); keep(); } });

const has = await fetch("practice.json").then((answer) => answer.json());
notebook = name && await fetch(`files/${path}`).then((answer) => (answer.ok ? answer.json() : null));
if (!notebook) {
  refuse("There is no notebook of this name in the book: open it from its exercise or chapter.");
} else {
  const { page } = notebook.metadata.npfl;
  const exercise = page.startsWith("exercises/");
  at("title").textContent = document.title = path;
  at("back").href = `../../${page}`;
  at("back").textContent = exercise ? "Back to the exercise" : "Back to the chapter";
  if (!exercise) at("download").textContent = "Download";
  if (typeof WebAssembly !== "object") {
    refuse("This browser has no WebAssembly, so Python cannot run in it: take another browser, or download the notebook and solve it in Jupyter.");
  } else if (!await storage()) {
    refuse("This browser keeps nothing for this site, so your work would be lost: allow it to, or download the notebook and solve it in Jupyter.");
  } else if (!await alone()) {
    refuse("This notebook is open in another tab: go on there, or close it and reload this page.");
  } else {
    await open();
  }
}
