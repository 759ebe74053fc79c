// Shows what is found while the reader types, in the dialog of every page and on the page of the search. What
// that takes comes with the first letter.
{
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const root = new URL("..", src).href;
  const load = async () => {
    const [{ open, excerpt }, entries] = await Promise.all([
      import(new URL("find.js", src).href),
      fetch(new URL("search-index.json", src)).then((response) => response.json()),
    ]);
    return { find: await open(entries), excerpt };
  };
  let loaded = null;
  const ready = () => (loaded ??= load().catch((error) => { loaded = null; throw error; }));

  const row = (hit, excerpt) => {
    const item = document.createElement("li");
    const link = Object.assign(document.createElement("a"), { href: root + hit.address, textContent: hit.title });
    const place = Object.assign(document.createElement("span"), { textContent: hit.page === hit.title ? "" : hit.page });
    const text = document.createElement("p");
    text.append(...excerpt(hit).map(([part, sought]) => (sought ? Object.assign(document.createElement("mark"), { textContent: part }) : part)));
    item.append(link, " ", place, text);
    return item;
  };

  /** @type {NodeListOf<HTMLFormElement>} */
  const forms = document.querySelectorAll("form.bd-search");
  for (const form of forms) {
    const input = form.querySelector("input");
    const whole = !form.closest("dialog");
    const says = Object.assign(document.createElement("p"), { className: "npfl-found-says", role: "status" });
    const list = Object.assign(document.createElement("ol"), { className: "npfl-found" });
    form.after(says, list);
    const show = async () => {
      const question = input.value.trim();
      if (question.length < 2) {
        says.textContent = "";
        return list.replaceChildren();
      }
      if (!list.firstChild) says.textContent = "Looking …";
      try {
        const { find, excerpt } = await ready();
        if (question !== input.value.trim()) return undefined; // more was typed meanwhile
        const hits = find(question, whole ? 30 : 8);
        says.textContent = hits.length ? "" : `Nothing found for “${question}”. The index lists all names.`;
        list.replaceChildren(...hits.map((hit) => row(hit, excerpt)));
      } catch {
        says.textContent = "The search did not load. Type on to try again.";
      }
      return undefined;
    };
    let due;
    input.addEventListener("input", () => {
      clearTimeout(due);
      due = setTimeout(show, 80);
    });
    if (!whole) continue;
    // Who comes to the search page has asked already, or wants to type.
    input.value = new URLSearchParams(location.search).get("q") ?? "";
    input.select();
    show();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      history.replaceState(null, "", `?${new URLSearchParams({ q: input.value })}`);
      show();
    });
  }
}
