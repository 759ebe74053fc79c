// A term shows its meaning while it is pointed at or has the focus; Escape takes the card away.
{
  let open = null, due;
  const close = () => { clearTimeout(due); open?.hidePopover(); open = null; };
  const later = () => { clearTimeout(due); due = setTimeout(close, 200); };
  for (const word of document.querySelectorAll(".npfl-term")) {
    /** @type {HTMLAnchorElement} */
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
