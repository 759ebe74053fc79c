// The reader's choice of light or dark; where storage is blocked, the system's. The theme's script finds the
// same again: another value would style the whole page a second time.
{
  try { localStorage.length; sessionStorage.length; } catch {
    // The theme's scripts break off where storage is blocked: they get one that lasts as long as the page.
    const kept = new Map();
    const value = {
      blocked: true,
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, text) => { kept.set(key, String(text)); },
      removeItem: (key) => { kept.delete(key); },
    };
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { value });
  }
  const stored = (key) => localStorage.getItem(key);
  const mode = stored("mode") || "auto";
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.mode = mode;
  document.documentElement.dataset.theme = mode === "auto" ? system : stored("theme") || mode;
}
// The rest of the scripts come after the first paint, which would share the line with them, and after the page:
// they look for its parts once, and the first paint may show half of it.
{
  const { later } = document.currentScript.dataset;
  const painted = new Promise((done) => {
    new PerformanceObserver(done).observe({ type: "paint", buffered: true });
    // Some browsers tell no page of its paints, lest readers be recognized by them.
    addEventListener("load", () => setTimeout(done, 1000));
  });
  const parsed = new Promise((done) => addEventListener("DOMContentLoaded", done));
  Promise.all([painted, parsed]).then(() => {
    for (const address of later.split(" ")) {
      document.head.append(Object.assign(document.createElement("script"), { src: address, async: false }));
    }
  });
}
