// What becomes a bookmark, and the name of the page whose title it is.
() => [...document.querySelectorAll("main :is(h1, h2, h3, h4, h5, h6)")].map((heading) => ({
  title: heading.textContent.trim(), page: heading.matches(".npfl-h1") ? heading.closest("article").id : "",
}));
