// Answers a checkpoint question: the feedback of every chosen answer is shown and spoken.
for (const question of document.querySelectorAll(".npfl-checkpoint")) {
  const inputs = [...question.querySelectorAll("input")];
  const feedback = question.querySelector(".feedback");
  const button = question.querySelector("button");
  button.hidden = false;
  // What was said of one answer says nothing of another.
  const forget = () => {
    feedback.replaceChildren();
    for (const input of inputs) delete input.closest(".answer").dataset.verdict;
  };
  for (const input of inputs) input.addEventListener("change", forget);
  button.addEventListener("click", () => {
    const chosen = inputs.filter((input) => input.checked);
    const right = inputs.every((input) => input.checked === (input.value === "right"));
    forget();
    for (const input of chosen) input.closest(".answer").dataset.verdict = input.value;
    const verdict = document.createElement("p");
    verdict.textContent = !chosen.length ? "Choose an answer first." : right ? "Correct." : "Not yet.";
    feedback.replaceChildren(verdict, ...chosen.map((input) => {
      const why = input.closest(".answer").querySelector(".why").cloneNode(true);
      why.hidden = false;
      return why;
    }));
  });
}
