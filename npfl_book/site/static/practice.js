// Offers to run the page's code; what that takes is loaded by the first click, and only then.
{
  const module = new URL("lite/run.js", document.currentScript.src).href;
  const offers = [];
  const offer = (text, element, place, open) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "npfl-offer";
    button.textContent = `${text} (loads ${npflPractice.page} MB once)`;
    button.addEventListener("click", async () => {
      button.disabled = true;
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
  for (const input of document.querySelectorAll(".cell_input")) {
    if (input.querySelector("pre")) offer("Change and run", input, input, "openCell");
  }
  for (const question of document.querySelectorAll(".npfl-practice")) {
    offer("Answer here", question, question.querySelector(".start"), "openQuestion");
  }
}
