// A term shows its meaning, and a citation what it cites, while it is pointed at or has the focus; Escape takes the
// card away.
{
  let open = null, due;
  const close = () => { clearTimeout(due); open?.hidePopover(); open = null; };
  const later = () => { clearTimeout(due); due = setTimeout(close, 200); };
  // What a citation cites stands in its title, which keyboards never see.
  const cited = (link) => {
    const card = document.createElement("div");
    card.id = `npfl-${link.hash.slice(1)}`;
    card.className = "npfl-card";
    card.popover = "manual";
    card.textContent = link.title;
    link.closest("article").append(card);
    return card;
  };
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const links = document.querySelectorAll("article :is(a:has(> .npfl-term), a[title][href*='bibliography.html#'])");
  for (const link of links) {
    const known = document.getElementById(`npfl-${link.hash.slice(1)}`);
    const card = known ?? (link.querySelector(".npfl-term") ? null : cited(link));
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
