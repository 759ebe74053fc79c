// Offers to run the page's code; what that takes is loaded by the first click, and only then.
{
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const module = new URL("lite/run.js", src).href;
  const offers = [];
  // A cell runs with those before it: one that draws, or comes after one, loads what draws, too.
  const DRAWS = /\b(npfl\.(figures|explore)|matplotlib)\b/;
  let draws = false;
  const offer = (text, element, place, open, first = "all") => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "npfl-offer";
    button.textContent = `${text} (loads ${first === "figures" ? npflPractice.figures : npflPractice.page} MB once)`;
    button.addEventListener("click", async () => {
      button.disabled = true;
      npflPractice.first ??= first;
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
    const code = input.querySelector("pre");
    draws ||= !!npflPractice.figures && DRAWS.test(code?.textContent ?? "");
    if (lacks) decline(lacks, input);
    else if (code) offer("Change and run", input, input, "openCell", draws ? "figures" : "all");
  }
  for (const question of document.querySelectorAll(".npfl-practice")) {
    const { lacks } = question.dataset, start = question.querySelector(".start");
    if (lacks) decline(lacks, start);
    // A question stands for itself.
    else offer("Answer here", question, start, "openQuestion", /\bimport\b/.test(question.textContent) ? "all" : "plain");
  }
}
