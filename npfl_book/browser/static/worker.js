// Python in a worker of its own: an endless loop cannot hang the page, and ending the worker ends the loop.
const FOLDER = new URL("pyodide/", self.location.href).href;
const FIGURES = /\b(npfl\.(figures|explore)|matplotlib)\b/;
const SETUP = `
import linecache, logging, os, sys, traceback
from pyodide.code import eval_code
os.environ["MPLBACKEND"] = "agg"  # Pyodide's own backend needs a page
logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # it says that it looks for fonts
names = {"__name__": "__main__"}

def _figures(value):
    """The pictures of a cell: those of a slider at its start, and those that pyplot has open."""
    if type(value).__name__ == "Explorer" and type(value).__module__.startswith("npfl."):
        frame = value.frame(value.first)
        return list(zip(frame.texts, value.alts)), frame.says
    if "matplotlib.pyplot" not in sys.modules:
        return [], None
    import matplotlib.pyplot as plt
    from npfl.explore import svg
    drawn = [svg.serialize(svg.tree(plt.figure(number))) for number in plt.get_fignums()]
    plt.close("all")
    return [(text, "A figure, drawn by this code") for text in drawn], None

def _run(source, name, alone):
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    try:
        value = eval_code(source, globals={"__name__": "__main__"} if alone else names, filename=name)
        pictures, says = _figures(value)
        shown = says if says is not None else None if value is None or pictures else repr(value)
        return shown, pictures, None, None
    except BaseException as error:
        told = traceback.TracebackException.from_exception(error)
        told.stack = traceback.StackSummary.from_list([f for f in told.stack if f.filename == name])
        kind = "missing" if isinstance(error, ModuleNotFoundError) else "failed" if isinstance(error, AssertionError) else "error"
        return None, [], "".join(told.format()), (kind, str(error))
`;
let python, run, asked;
const tell = (message) => self.postMessage(message);

async function load(code) {
  const there = FIGURES.test(code) && "matplotlib" in python.lockfile.packages;
  if (there) await python.loadPackage("matplotlib", { messageCallback() {} });
  await python.loadPackagesFromImports(code, { messageCallback() {} });
}

const started = (async () => {
  const { loadPyodide } = await import(`${FOLDER}pyodide.mjs`);
  // npfl brings NumPy where this copy has it; both come while Pyodide itself starts.
  python = await loadPyodide({ indexURL: FOLDER, packages: ["npfl"] });
  python.runPython(SETUP);
  run = python.globals.get("_run");
  tell({ kind: "ready" });
  // While the reader reads, unless something is to be run at once: the import takes a sixth of the start.
  setTimeout(() => { if (!asked && "numpy" in python.loadedPackages) python.runPython("import numpy"); }, 300);
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
