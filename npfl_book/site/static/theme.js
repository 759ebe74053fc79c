// Mends what the theme and Sphinx leave unsaid for readers who listen to the page.
for (const summary of document.querySelectorAll(".bd-docs-nav summary")) {
  const above = summary.closest("li").querySelector(":scope > a");
  if (above) summary.setAttribute("aria-label", `Pages below “${above.textContent.trim()}”`);
}
const sidebar = document.querySelector(".bd-sidebar-primary");
sidebar?.setAttribute("role", "complementary");
sidebar?.setAttribute("aria-label", "The book");
// These roles are out of date, and a list may hold list items only.
for (const entry of document.querySelectorAll("[role='doc-biblioentry'], .citation-list")) entry.removeAttribute("role");
// What scrolls is reached by keyboard. An observer is told after the layout, and so never forces one.
const isWide = ({ target }) => target.scrollWidth > target.clientWidth;
const isHigh = ({ target }) => !target.matches(".katex-display") && target.scrollHeight > target.clientHeight;
const sizes = new ResizeObserver((entries) => {
  const wide = entries.map(isWide), high = entries.map(isHigh);
  entries.forEach(({ target }, i) => {
    target.toggleAttribute("data-wide", wide[i]);
    /** @type {HTMLElement} */ (target).tabIndex = wide[i] || high[i] ? 0 : -1;
  });
});
for (const block of document.querySelectorAll("pre, .katex-display, .cell_output > .output, .pst-scrollable-table-container")) sizes.observe(block);
// On paper nothing can be unfolded; code that is hidden stays so.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("article details:not([open], .hide)")];
  for (const details of folded) details.open = true;
});
addEventListener("afterprint", () => { for (const details of folded) details.open = false; });
