// Writes the numbers of the pages behind the links of the first page.
(numbers) => {
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("#index a[href^='#']"))) {
    const number = numbers[link.hash.slice(1)];
    if (number) link.dataset.page = number;
  }
};
