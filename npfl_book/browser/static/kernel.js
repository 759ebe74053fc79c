// Pyodide as the kernel of JupyterLite loads it.
export async function loadPyodide(options) {
  const pyodide = await import("./pyodide/pyodide.mjs");
  // What its core fails at, Pyodide leaves to a promise that nobody waits for, and the kernel would wait for ever.
  const broken = new Promise((_, fail) => addEventListener("unhandledrejection", ({ reason }) => fail(reason)));
  const indexURL = new URL("pyodide/", import.meta.url).href;
  const python = await Promise.race([broken, pyodide.loadPyodide({ ...options, indexURL })]);
  // IPython puts it back. Until then, each import would ask the page for what is in the folder of the notebooks.
  python.pyimport("sys").path.remove("");
  return python;
}
