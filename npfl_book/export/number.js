// Writes the numbers of the pages into the contents.
(numbers) => {
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("#index .toctree-wrapper a"))) link.dataset.page = numbers[link.hash.slice(1)];
};
