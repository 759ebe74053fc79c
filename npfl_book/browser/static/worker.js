// Python in a worker of its own: an endless loop cannot hang the page, and ending the worker ends the loop.
const FOLDER = new URL("pyodide/", self.location.href).href;
const FIGURES = /\b(npfl\.(figures|explore)|matplotlib)\b/;
const own = fetch(new URL("worker.py", self.location.href)).then((answer) => answer.text());
let python, run, asked;
const tell = (message) => self.postMessage(message);

async function load(code) {
  if (!/\bimport\b/.test(code)) return;
  const there = FIGURES.test(code) && "matplotlib" in python.lockfile.packages;
  if (there) await python.loadPackage("matplotlib", { messageCallback() {} });
  await python.loadPackagesFromImports(code, { messageCallback() {} });
}

const started = (async () => {
  const { loadPyodide } = await import(`${FOLDER}pyodide.mjs`);
  // npfl brings NumPy where this copy has it; what the code needs comes while Pyodide itself starts.
  const packages = { plain: [], figures: ["npfl", "matplotlib"] }[self.name] ?? ["npfl"];
  python = await loadPyodide({ indexURL: FOLDER, packages });
  const names = python.toPy({ __name__: "worker" });
  python.runPython(await own, { globals: names, filename: "worker.py" });
  run = names.get("run");
  tell({ kind: "ready" });
  // While the reader reads, unless something is to be run at once: the import takes a sixth of the start.
  setTimeout(() => { if (!asked && "numpy" in python.loadedPackages) python.pyimport("numpy"); }, 300);
})().catch((error) => tell({ kind: "broken", text: String(error.message ?? error).split("\n").pop() }));

self.onmessage = async ({ data: { id, source, name, alone } }) => {
  asked = true;
  await started;
  let room = 100_000;
  const write = { batched: (text) => {
    if (room > 0) tell({ kind: "text", id, text: `${text.slice(0, room)}\n` });
    room -= text.length + 1;
  } };
  python.setStdout(write);
  python.setStderr(write);
  try { await load(source); } catch { /* a mistake in the code is reported when it is run */ }
  const [shown, pictures, error, why] = run(source, name, alone).toJs();
  tell({ kind: "done", id, shown, pictures, error, why });
};
