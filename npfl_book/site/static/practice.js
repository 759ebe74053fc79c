// Offers to run the page's code; what that takes is loaded by the first click, and only then.
{
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const module = new URL("lite/run.js", src).href;
  const offers = [];
  const offer = (text, element, place, open) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "npfl-offer";
    button.textContent = `${text} (loads ${npflPractice.page} MB once)`;
    button.addEventListener("click", async () => {
      button.disabled = true;
      // A question stands for itself, a cell needs those before it.
      npflPractice.first ??= open === "openQuestion" && !/\bimport\b/.test(element.textContent) ? "plain" : "all";
      try {
        const box = await import(module);
        await box[open](element);
        button.remove();
        for (const [other, short] of offers) other.textContent = short;
      } catch {
        button.disabled = false;
        button.textContent = `${text}: it did not load, try again`;
      }
    });
    offers.push([button, text]);
    place.append(button);
  };
  // Where this copy of the book lacks what the code needs, there is no button that would have to say so.
  const notebook = location.pathname.split("/").pop().replace(/(\.html)?$/, ".ipynb");
  const decline = (lacks, place) => {
    const note = document.createElement("p");
    note.className = "npfl-lacks";
    const link = Object.assign(document.createElement("a"), { href: new URL(`lite/files/${notebook}`, src).href, download: notebook, textContent: "download the notebook" });
    note.append(`Needs ${lacks}, which is not in this copy: `, link);
    place.append(note);
  };
  for (const input of document.querySelectorAll(".cell_input")) {
    const lacks = input.closest("[data-lacks]")?.dataset.lacks;
    if (lacks) decline(lacks, input);
    else if (input.querySelector("pre")) offer("Change and run", input, input, "openCell");
  }
  for (const question of document.querySelectorAll(".npfl-practice")) {
    const { lacks } = question.dataset, start = question.querySelector(".start");
    if (lacks) decline(lacks, start);
    else offer("Answer here", question, start, "openQuestion");
  }
}
