// A prediction comes first: the explanation behind a figure unfolds when the reader has answered or moved it.
{
  const after = (a, b) => !!(a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING);
  const boxes = [...document.querySelectorAll(".npfl-predict, .npfl-explained")];
  boxes.forEach((form, i) => {
    if (!form.matches(".npfl-predict")) return;
    const explained = boxes[i + 1]?.matches(".npfl-explained") ? boxes[i + 1] : null;
    const figures = explained ? [...document.querySelectorAll(".npfl-explore")].filter((figure) => after(form, figure) && after(figure, explained)) : [];
    let waits = null;
    const unfold = () => {
      if (!waits) return;
      explained.removeAttribute("hidden");
      waits.remove();
      waits = null;
    };
    // A link to a place in it, or to a state of the figure, comes from somebody who has seen it.
    const hash = decodeURIComponent(location.hash.slice(1));
    const known = explained && hash && (explained.contains(document.getElementById(hash)) || figures.some((figure) => hash.includes(`${figure.id}.`)));
    if (explained && !known) {
      waits = document.createElement("p");
      waits.className = "npfl-waits d-print-none";
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Show it" });
      button.addEventListener("click", unfold);
      waits.append(figures.length ? "The explanation unfolds when you answer or move the figure. " : "The explanation unfolds when you answer. ", button);
      explained.before(waits);
      explained.setAttribute("hidden", "until-found"); // a search in the page still finds it
      explained.addEventListener("beforematch", unfold);
      for (const figure of figures) {
        figure.addEventListener("input", unfold);
        figure.querySelector(".npfl-play")?.addEventListener("click", unfold);
      }
    }
    const say = (field, mine, right, isRight) => {
      const place = field.closest("li").querySelector(".said");
      place.dataset.verdict = isRight ? "right" : "wrong";
      const quoted = (words) => ["“", ...words, "”"];
      place.replaceChildren("You said ", ...quoted(mine), ...(isRight ? [", and so it is."] : [", it is ", ...quoted(right), "."]));
      unfold();
    };
    for (const field of form.querySelectorAll("[data-right]")) {
      const { right } = field.dataset;
      /** @type {HTMLInputElement[]} */
      const inputs = [...field.querySelectorAll("input")];
      const words = (input) => [...input.nextElementSibling.cloneNode(true).childNodes];
      for (const input of inputs) {
        input.addEventListener("change", () => {
          if (input.type === "radio") say(field, words(input), words(inputs[+right]), input.value === right);
          else if (input.value !== "") say(field, [input.value], [right], +input.value === +right);
        });
      }
    }
  });
}
