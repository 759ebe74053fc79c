// Takes the pages of the built site and returns what is read of them without it: no script, nothing to press,
// and only links that lead somewhere. The pages come in reading order as {name, html, frames}.
// kind "pdf": one document, so names of places are made unique; "epub": XHTML, one document a page.
({ pages, kind, site }) => {
  const GONE = [
    "script", "noscript", "style", "npfl-start", "button", "input", "[hidden]", "details.hide", ".npfl-buttons", ".npfl-choice", ".why", ".feedback",
    ".npfl-card", ".npfl-done", ".headerlink", ".copybtn", ".sd-summary-state-marker", ".viewcode-link", ".d-print-none",
  ].join();
  const names = new Set(pages.map(({ name }) => name));
  const place = (name) => name.replaceAll("/", "-");

  // Letters of the alphabets that MathML Core has no attribute for.
  const SPECIAL = { "double-struck": { C: "ℂ", H: "ℍ", N: "ℕ", P: "ℙ", Q: "ℚ", R: "ℝ", Z: "ℤ" }, script: { B: "ℬ", E: "ℰ", F: "ℱ", H: "ℋ", I: "ℐ", L: "ℒ", M: "ℳ", R: "ℛ" } };
  // First letters of A, a, Α, α and 0 in each alphabet.
  const FIRST = {
    bold: [0x1d400, 0x1d41a, 0x1d6a8, 0x1d6c2, 0x1d7ce],
    "bold-italic": [0x1d468, 0x1d482, 0x1d71c, 0x1d736],
    "double-struck": [0x1d538, 0x1d552, 0, 0, 0x1d7d8],
    script: [0x1d49c, 0x1d4b6],
  };
  const letter = (variant, character) => {
    if (SPECIAL[variant]?.[character]) return SPECIAL[variant][character];
    const code = character.codePointAt(0);
    const ranges = [[65, 90], [97, 122], [0x391, 0x3a9], [0x3b1, 0x3c9], [48, 57]];
    const range = ranges.findIndex(([from, to]) => from <= code && code <= to);
    const first = FIRST[variant]?.[range];
    return first ? String.fromCodePoint(first + code - ranges[range][0]) : null;
  };

  const mathml = (article) => {
    for (const formula of article.querySelectorAll(".katex")) {
      const math = formula.querySelector("math");
      const annotation = math.querySelector("annotation");
      math.setAttribute("alttext", annotation.textContent.trim());
      annotation.remove();
      for (const semantics of math.querySelectorAll("semantics")) semantics.replaceWith(...semantics.childNodes);
      // KaTeX writes a third child, which applies a function to nothing.
      for (const sign of math.querySelectorAll(":is(msub, msup, msubsup, mfrac) > mo")) if (sign.textContent === "\u2061") sign.remove();
      // The sign between a function's name and what it is applied to; a bracket needs no space before it.
      for (const sign of math.querySelectorAll("mo")) {
        if (sign.textContent === "\u2061" && sign.nextElementSibling && !/^[([{|]/.test(sign.nextElementSibling.textContent)) sign.setAttribute("rspace", "0.1667em");
      }
      for (const token of math.querySelectorAll("[mathvariant]")) {
        const letters = [...token.textContent].map((character) => letter(token.getAttribute("mathvariant"), character));
        if (letters.includes(null)) continue;
        token.textContent = letters.join("");
        token.removeAttribute("mathvariant");
      }
      (formula.closest(".katex-display") ?? formula).replaceWith(math);
    }
  };

  // What refers to a place of the same page has its name in one of these ways.
  const rename = (root, change) => {
    for (const element of [root, ...root.querySelectorAll("*")]) {
      for (const { name, value } of [...element.attributes]) {
        if (name === "id") element.id = change(value);
        else if (/^aria-(labelledby|describedby)$/.test(name)) element.setAttribute(name, value.split(/\s+/).map(change).join(" "));
        else if (/^(xlink:)?href$/.test(name) && value.startsWith("#") && element.namespaceURI.endsWith("svg")) element.setAttribute(name, `#${change(value.slice(1))}`);
        else if (value.includes("url(#")) element.setAttribute(name, value.replace(/url\(#([^)]+)\)/g, (_, id) => `url(#${change(id)})`));
      }
    }
  };

  const articles = pages.map(({ name, html, frames }) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const article = page.querySelector("article.bd-article");
    for (const control of article.querySelectorAll("[data-printed]")) {
      const figure = control.closest(".npfl-explore");
      npflStrip(figure, frames[figure.id]);
      // The strip says what these say of one state.
      for (const gone of [control.previousElementSibling, control.nextElementSibling, control, figure.querySelector(".npfl-pictures"), figure.querySelector(".npfl-below")]) gone.remove();
    }
    for (const element of article.querySelectorAll(GONE)) element.remove();
    for (const element of article.querySelectorAll("[role^='doc-'], .citation-list")) element.removeAttribute("role");
    for (const element of article.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
    // Pictures of the same page share names.
    article.querySelectorAll("svg").forEach((svg, i) => rename(svg, (id) => `${id}-${i}`));
    for (const element of article.querySelectorAll("details")) element.open = true;
    return { name, page, article };
  });
  const places = Object.fromEntries(articles.map(({ name, article }) => [name, new Set([...article.querySelectorAll("[id]")].map(({ id }) => id))]));

  // The names of pages and files as seen from the top of the site.
  const TOP = "http://site/";
  const lead = (name, article) => {
    for (const link of article.querySelectorAll("a[href]")) {
      const href = link.getAttribute("href");
      const url = new URL(href, `${TOP}${name}.html`);
      if (!url.href.startsWith(TOP)) continue;
      const target = url.pathname.slice(1).replace(/\.html$/, "");
      const id = decodeURIComponent(url.hash.slice(1));
      if (names.has(target)) {
        const known = places[target].has(id) ? id : "";
        const way = "../".repeat(name.split("/").length - 1);
        if (kind === "pdf") link.setAttribute("href", known ? `#${place(target)}--${known}` : `#${place(target)}`);
        else link.setAttribute("href", target === name && known ? `#${known}` : `${way}${target}.xhtml${known && `#${known}`}`);
      } else if (site) link.href = site + url.href.slice(TOP.length);
      else link.replaceWith(...link.childNodes);
    }
    for (const picture of article.querySelectorAll("img")) {
      const url = new URL(picture.getAttribute("src"), `${TOP}${name}.html`);
      const way = kind === "pdf" ? "html/" : "../".repeat(name.split("/").length - 1);
      if (url.href.startsWith(TOP)) picture.setAttribute("src", way + url.pathname.slice(1));
    }
  };

  return articles.map(({ name, page, article }) => {
    lead(name, article);
    const headings = [...article.querySelectorAll("h1, h2")].map((heading) => ({
      level: +heading.tagName[1], title: heading.textContent.trim(), id: heading.closest("section[id]")?.id ?? "",
    }));
    if (kind === "pdf") {
      rename(article, (id) => `${place(name)}--${id}`);
      article.id = place(name);
      // The captions of the contents would be bookmarks.
      for (const element of article.querySelectorAll("[role='heading']")) element.removeAttribute("role");
      // A page is one level below its part; it looks as on the site.
      for (const heading of [...article.querySelectorAll("h1, h2, h3, h4, h5")]) {
        const level = +heading.tagName[1];
        const lower = page.createElement(`h${level + 1}`);
        lower.className = `npfl-h${level}`;
        lower.append(...heading.childNodes);
        heading.replaceWith(lower);
      }
      return { name, headings, text: article.outerHTML };
    }
    mathml(article);
    for (const element of article.querySelectorAll("details, summary, fieldset, legend, output, label")) {
      const tag = { summary: "p", legend: "p", output: "span", label: "span" }[element.localName] ?? "div";
      const plain = page.createElement(tag);
      plain.className = `${element.className} ${element.localName}`.trim();
      if (element.id) plain.id = element.id;
      plain.append(...element.childNodes);
      element.replaceWith(plain);
    }
    for (const picture of article.querySelectorAll(".npfl-picture svg")) {
      for (const element of picture.querySelectorAll("*")) {
        for (const { name, value } of [...element.attributes]) {
          const [, color] = /^var\(--npfl-\w+,\s*(#\w+)\)$/.exec(value) ?? [];
          if (color) element.setAttribute(name, color);
          if (name.startsWith("data-")) element.removeAttribute(name);
        }
      }
    }
    for (const element of article.querySelectorAll("*")) {
      for (const { name } of [...element.attributes]) if (name.startsWith("data-")) element.removeAttribute(name);
    }
    const images = [...article.querySelectorAll("img")].map((picture) => new URL(picture.getAttribute("src"), `${TOP}${name}.xhtml`).pathname.slice(1));
    const text = [...article.childNodes].map((node) => new XMLSerializer().serializeToString(node)).join("");
    return { name, headings, images, text };
  });
}
