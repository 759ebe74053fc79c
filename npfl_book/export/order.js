// The order of the pages, from the sidebar: parts, their pages, and the pages below these.
() => [...document.querySelectorAll(".bd-sidebar-primary p.caption")].map((caption) => ({
  caption: caption.textContent.trim(),
  links: [...caption.closest("li").querySelectorAll("a.reference.internal")].map((link) => ({
    name: new URL(link.getAttribute("href"), "http://site/").pathname.slice(1).replace(/\.html$/, ""),
    depth: link.closest("ul").parentElement.closest("li").matches(".toctree-l1") ? 1 : 0,
  })),
}));
