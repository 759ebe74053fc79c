// Which pages the reader has worked through: kept in this browser, for nobody else.
{
  const KEY = "npfl-read";
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href).href;
  const name = (address) => address.split("#")[0].slice(root.length).replace(/^$/, "index.html");
  const stored = () => {
    const list = JSON.parse(localStorage.getItem(KEY) || "[]");
    return new Set(Array.isArray(list) ? list : []);
  };
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const links = document.querySelectorAll(".bd-sidebar-primary .bd-links a, .npfl-map a, .npfl-cards a");
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const cards = document.querySelectorAll(".npfl-cards a");
  // Above the cards: how far the reader has come, and what comes next.
  const count = (read) => {
    document.querySelector(".npfl-count")?.remove();
    const rest = [...cards].filter((link) => !read.has(name(link.href)));
    if (rest.length === cards.length) return;
    const line = Object.assign(document.createElement("p"), { className: "npfl-count", textContent: `You have worked through ${cards.length - rest.length} of ${cards.length} chapters` });
    if (rest.length) {
      const next = rest[0].closest("li").querySelector(".title").cloneNode(true);
      line.append("; next comes ", Object.assign(document.createElement("a"), { href: rest[0].href, textContent: next.textContent.trim() }));
    }
    line.append(".");
    document.querySelector(".npfl-cards").before(line);
  };
  const mark = (read) => {
    for (const link of links) {
      link.querySelector(".npfl-read")?.remove();
      if (!read.has(name(link.href))) continue;
      const sign = document.createElement("span");
      sign.className = "npfl-read";
      sign.innerHTML = "<span aria-hidden='true'> ✓</span><span class='visually-hidden'> (done)</span>";
      link.append(sign);
    }
    count(read);
  };
  let read = null;
  try { read = localStorage.blocked ? null : stored(); } catch { /* not ours: left alone */ }
  const end = document.querySelector(".prev-next-footer");
  const page = name(location.href);
  if (read) {
    mark(read);
    addEventListener("storage", ({ key }) => { if (key === KEY) try { mark(stored()); } catch { /* as above */ } });
  }
  if (read && end && /^(chapters\/[01]|exercises\/)/.test(page)) {
    const label = document.createElement("label");
    label.className = "npfl-done d-print-none";
    label.innerHTML = "<input type='checkbox'> I have worked through this page";
    const box = label.querySelector("input");
    box.checked = read.has(page);
    box.addEventListener("change", () => {
      try {
        read = stored();
        if (box.checked) read.add(page); else read.delete(page);
        localStorage.setItem(KEY, JSON.stringify([...read]));
        mark(read);
      } catch { box.checked = false; box.disabled = true; }
    });
    end.before(label);
  }
}
