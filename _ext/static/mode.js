// The reader's choice of light or dark; where storage is blocked, the system's. The theme's script finds the
// same again: another value would style the whole page a second time.
{
  let stored = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const mode = stored("mode") || "auto";
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.mode = mode;
  document.documentElement.dataset.theme = mode === "auto" ? system : stored("theme") || mode;
}
