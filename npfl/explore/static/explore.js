// Brings the sliders and buttons of the built book to life. The page holds one picture and what differs in the others
// (see page.py); a move writes the differing attributes, nothing else.

// Show a frame: write what differs in it to the nodes that have it. `now` is what they show already.
function npflWrite(changes, nodes, frame, now = []) {
  changes.forEach(([, attribute, values, which], i) => {
    if (now[i] === which[frame]) return;
    const value = values[now[i] = which[frame]];
    if (attribute === "") nodes[i].innerHTML = value;
    else if (value === null) nodes[i].removeAttribute(attribute);
    else nodes[i].setAttribute(attribute, value);
  });
}
const npflNodes = (changes, root) => changes.map(([number]) => root.querySelector(`[data-c="${number}"]`));

// Paper cannot be moved: the states that the author chose stand there beside each other.
// The export of the book calls it, too.
function npflStrip(figure, { changes, says }) {
  const printed = figure.querySelector("[data-printed]");
  if (!printed) return;
  const pictures = figure.querySelector(".npfl-pictures");
  const strip = document.createElement("div");
  strip.className = "npfl-strip";
  for (const [frame, title] of JSON.parse(printed.dataset.printed)) {
    const copy = pictures.cloneNode(true);
    npflWrite(changes, npflNodes(changes, copy), frame);
    const [state, heading, sentence] = ["div", "p", "p"].map((name) => document.createElement(name));
    heading.textContent = title;
    sentence.className = "npfl-says";
    sentence.textContent = says[frame] ?? "";
    state.append(heading, copy, sentence);
    strip.append(state);
  }
  pictures.after(strip);
}

customElements.define("npfl-start", class extends HTMLElement {
  connectedCallback() {
    const figure = this.parentElement;
    // The book has its pages' frames in files of their own.
    const own = figure.querySelector("script");
    const { changes, says } = own ? JSON.parse(own.textContent) : npflFrames[figure.id];
    // A slider or a row of buttons: where it stands now, and where it stood first.
    /** @type {HTMLElement[]} */
    const controls = [...figure.querySelectorAll(".npfl-controls > [data-texts]")];
    const texts = controls.map((control) => JSON.parse(control.dataset.texts));
    /** @type {HTMLInputElement[][]} */
    const inputs = controls.map((control) => control.matches("input") ? [control] : [...control.querySelectorAll("input")]);
    const position = (i) => inputs[i][1] ? inputs[i].findIndex((input) => input.checked) : +inputs[i][0].value;
    const first = (i) => inputs[i][1] ? inputs[i].findIndex((input) => input.defaultChecked) : +inputs[i][0].defaultValue;
    const put = (i, where) => {
      if (inputs[i][1]) inputs[i][where].checked = true;
      else inputs[i][0].value = `${where}`;
    };
    const sentence = figure.querySelector(".npfl-says span");
    const nodes = npflNodes(changes, figure);
    const now = [];

    const draw = (place) => {
      let frame = 0;
      controls.forEach((control, i) => {
        const text = texts[i][place(i)];
        frame = frame * texts[i].length + place(i);
        control.nextElementSibling.textContent = text;
        if (!inputs[i][1]) control.setAttribute("aria-valuetext", text);
      });
      npflWrite(changes, nodes, frame, now);
      if (says.length) sentence.textContent = says[frame];
    };
    const show = () => draw(position);

    // The page's address says where every slider stands that was moved: #figure.slider=value&...
    let due;
    const read = (otherwise = first) => {
      clearTimeout(due);
      const state = new URLSearchParams(location.hash.slice(1));
      controls.forEach((control, i) => {
        const where = texts[i].indexOf(state.get(control.id));
        put(i, where >= 0 ? where : otherwise(i));
      });
      show();
      // Whether this figure was moved last.
      const last = [...state.keys()].pop();
      return controls.some((control) => control.id === last);
    };
    const write = () => {
      clearTimeout(due);
      const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
      controls.forEach((control, i) => {
        state.delete(control.id);
        if (position(i) !== first(i)) state.set(control.id, texts[i][position(i)]);
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

    controls.forEach((control) => control.addEventListener("input", () => { stop(); show(); }));
    // A held key makes many changes: one entry in the history is enough for them.
    controls.forEach((control) => control.addEventListener("change", () => { clearTimeout(due); due = setTimeout(write, 300); }));
    figure.querySelector(".npfl-reset").addEventListener("click", () => {
      stop();
      controls.forEach((_, i) => put(i, first(i)));
      show();
      write();
    });
    // A link to what is seen now, whatever other figures show.
    const link = figure.querySelector(".npfl-link");
    link.hidden = !navigator.clipboard; // only pages that came safely may write there
    link.addEventListener("click", async () => {
      const state = new URLSearchParams(controls.map((control, i) => [control.id, texts[i][position(i)]]));
      await navigator.clipboard.writeText(`${location.href.split("#")[0]}#${state}`);
      link.textContent = "Copied";
      setTimeout(() => { link.textContent = "Link"; }, 2000);
    });
    // Back and Forward, and a link to a state of this page: only the link has to show the figure.
    addEventListener("popstate", (event) => {
      stop(false);
      if (read() && !event.state) figure.scrollIntoView();
    });
    addEventListener("beforeprint", () => {
      draw(first);
      npflStrip(figure, { changes, says });
    });
    addEventListener("afterprint", () => {
      figure.querySelector(".npfl-strip")?.remove();
      show();
    });
    // What was moved before the script came stays where it is.
    if (read(position)) figure.scrollIntoView();
  }
});
