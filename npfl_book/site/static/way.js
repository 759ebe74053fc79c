// A term shows its meaning while it is pointed at or has the focus; Escape takes the card away.
{
  let open = null, due;
  const close = () => { clearTimeout(due); open?.hidePopover(); open = null; };
  const later = () => { clearTimeout(due); due = setTimeout(close, 200); };
  for (const word of document.querySelectorAll(".npfl-term")) {
    const link = word.closest("a");
    const card = document.getElementById(`npfl-${link.hash.slice(1)}`);
    if (!card?.showPopover) continue;
    link.setAttribute("aria-describedby", card.id);
    link.removeAttribute("title");
    const show = () => {
      clearTimeout(due);
      if (open === card) return;
      close();
      card.showPopover();
      const place = link.getBoundingClientRect(), { width, height } = card.getBoundingClientRect();
      card.style.left = `${Math.max(8, Math.min(place.left, document.documentElement.clientWidth - width - 8))}px`;
      card.style.top = `${place.bottom + height + 8 < innerHeight ? place.bottom + 2 : place.top - height - 2}px`;
      open = card;
    };
    link.addEventListener("pointerenter", ({ pointerType }) => { if (pointerType !== "touch") { clearTimeout(due); due = setTimeout(show, 150); } });
    link.addEventListener("focus", () => { if (link.matches(":focus-visible")) show(); });
    card.addEventListener("pointerenter", () => clearTimeout(due));
    for (const element of [link, card]) element.addEventListener("pointerleave", later);
    link.addEventListener("blur", close);
  }
  addEventListener("keydown", ({ key }) => { if (key === "Escape") close(); });
  addEventListener("scroll", close, { passive: true });
}

// Which pages the reader has worked through: kept in this browser, for nobody else.
{
  const KEY = "npfl-read";
  const root = new URL(document.documentElement.dataset.content_root || "./", location).href;
  const name = (address) => address.split("#")[0].slice(root.length).replace(/^$/, "index.html");
  const stored = () => {
    const list = JSON.parse(localStorage.getItem(KEY) || "[]");
    return new Set(Array.isArray(list) ? list : []);
  };
  const links = [...document.querySelectorAll(".bd-sidebar-primary .bd-links a, .npfl-map a")];
  const mark = (read) => {
    for (const link of links) {
      link.querySelector(".npfl-read")?.remove();
      if (!read.has(name(link.href))) continue;
      const sign = document.createElement("span");
      sign.className = "npfl-read";
      sign.innerHTML = "<span aria-hidden='true'> ✓</span><span class='visually-hidden'> (done)</span>";
      link.append(sign);
    }
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
    const box = label.firstChild;
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
