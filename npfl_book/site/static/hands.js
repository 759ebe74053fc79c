// A figure that can also be moved by hand (by_hand.py) has a button below it; pressed, it brings the drawing, which
// takes the place of the frames until it is pressed again. Nothing of it is loaded before.
{
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  for (const place of document.querySelectorAll(".npfl-hands")) {
    const button = place.querySelector("button"), { figure, drawing, given } = place.dataset;
    const frames = document.getElementById(figure), text = button.textContent;
    /** @type {HTMLElement} */
    let moved = null;
    button.addEventListener("click", async () => {
      if (!moved) {
        const { drawings } = await import(new URL("drawings.js", src).href);
        if (moved) return; // pressed twice before it came
        moved = drawings[drawing](JSON.parse(given));
      }
      const back = moved.isConnected;
      if (back) moved.remove();
      else {
        frames.after(moved);
        frames.dispatchEvent(new Event("input")); // as good as moving the figure: the explanation unfolds
      }
      frames.hidden = !back;
      (back ? frames : moved).scrollIntoView({ block: "nearest" }); // the button stands below the caption
      button.textContent = back ? text : "Back to the slider";
      button.ariaPressed = `${!back}`;
    });
    button.disabled = false;
  }
}
