// The reader's choice of light or dark; where storage is blocked, the system's.
{
  let stored = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  document.documentElement.dataset.mode = stored("mode") || "auto";
  document.documentElement.dataset.theme = stored("theme") || "auto";
}
