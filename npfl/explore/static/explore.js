// Brings the sliders of the built book to life. The page holds one picture and what differs in the others
// (see page.py); a move writes the differing attributes, nothing else.
customElements.define("npfl-start", class extends HTMLElement {
  connectedCallback() {
    const figure = this.parentElement;
    const { changes, says } = JSON.parse(figure.querySelector("script").textContent);
    const inputs = [...figure.querySelectorAll("input")];
    const texts = inputs.map((input) => JSON.parse(input.dataset.texts));
    const sentence = figure.querySelector(".npfl-says span");
    const nodes = changes.map(([number]) => figure.querySelector(`[data-c="${number}"]`));
    const now = [];

    const draw = (property) => {
      let frame = 0;
      inputs.forEach((input, i) => {
        const position = input[property];
        const text = texts[i][position];
        frame = frame * texts[i].length + +position;
        input.nextElementSibling.textContent = text;
        input.setAttribute("aria-valuetext", text);
      });
      changes.forEach(([, attribute, values, which], i) => {
        if (now[i] === which[frame]) return;
        const value = values[now[i] = which[frame]];
        if (attribute === "") nodes[i].innerHTML = value;
        else if (value === null) nodes[i].removeAttribute(attribute);
        else nodes[i].setAttribute(attribute, value);
      });
      if (says.length) sentence.textContent = says[frame];
    };
    const show = () => draw("value");

    // The page's address says where every slider stands that was moved: #figure.slider=value&...
    let due;
    const read = () => {
      clearTimeout(due);
      const state = new URLSearchParams(location.hash.slice(1));
      inputs.forEach((input, i) => {
        const position = texts[i].indexOf(state.get(input.id));
        input.value = position >= 0 ? position : input.defaultValue;
      });
      show();
      // Whether this figure was moved last.
      const last = [...state.keys()].pop();
      return inputs.some((input) => input.id === last);
    };
    const write = () => {
      clearTimeout(due);
      const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
      inputs.forEach((input, i) => {
        state.delete(input.id);
        if (input.value !== input.defaultValue) state.set(input.id, texts[i][input.value]);
      });
      const hash = state.size ? `#${state}` : "";
      if (hash !== location.hash) history.pushState("npfl", "", hash || location.pathname + location.search);
    };

    // Where a parameter is time, a button plays it from where it stands to its end.
    const play = figure.querySelector(".npfl-play");
    /** @type {HTMLInputElement} */
    const time = figure.querySelector("[data-play]");
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let timer = 0;
    const stop = (save = true) => {
      if (!timer) return;
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
      sentence.ariaLive = "polite";
      if (save) write();
    };
    play?.addEventListener("click", () => {
      if (timer) return stop();
      if (time.value === time.max) time.value = "0";
      show();
      play.textContent = "Pause";
      sentence.ariaLive = "off";
      timer = setInterval(() => {
        if (+time.value < +time.max && !still.matches) time.value = `${+time.value + 1}`;
        if (time.value === time.max || still.matches) stop();
        show();
      }, 1000 * +play.dataset.seconds / +time.max);
    });

    inputs.forEach((input) => input.addEventListener("input", () => { stop(); show(); }));
    // A held key makes many changes: one entry in the history is enough for them.
    inputs.forEach((input) => input.addEventListener("change", () => { clearTimeout(due); due = setTimeout(write, 300); }));
    figure.querySelector(".npfl-reset").addEventListener("click", () => {
      stop();
      inputs.forEach((input) => { input.value = input.defaultValue; });
      show();
      write();
    });
    // Back and Forward, and a link to a state of this page: only the link has to show the figure.
    addEventListener("popstate", (event) => {
      stop(false);
      if (read() && !event.state) figure.scrollIntoView();
    });
    addEventListener("beforeprint", () => draw("defaultValue"));
    addEventListener("afterprint", show);
    if (read()) figure.scrollIntoView();
  }
});
