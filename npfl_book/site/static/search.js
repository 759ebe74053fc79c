// A result shows words of the text: none of the menus, and each formula once.
const toText = Search.htmlToText;
Search.htmlToText = (html, anchor) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  const text = page.querySelector("article") ?? page.querySelector("[role='main']");
  for (const copy of text.querySelectorAll(".katex-mathml, .npfl-card")) copy.remove();
  text.setAttribute("role", "main");
  page.body.replaceChildren(text);
  return toText(page.documentElement.outerHTML, anchor);
};
// A term of the glossary bears its name; "Glossary" would stand there twice.
const find = Search._performSearch;
Search._performSearch = (...asked) => find(...asked).map(([page, title, anchor, ...rest]) => {
  const term = anchor.startsWith("#term-") && Object.entries(Search._index.indexentries).find(([, places]) => places.some(([, id]) => `#${id}` === anchor));
  return [page, term ? `${title} > ${term[0]}` : title, anchor, ...rest];
});
