// Brings the sliders of the built book to life. The page holds one picture and what differs in the others
// (see page.py); a move writes the differing attributes, nothing else.
customElements.define("npfl-start", class extends HTMLElement {
  connectedCallback() {
    const figure = this.parentElement;
    const { changes, says } = JSON.parse(figure.querySelector("script").textContent);
    const inputs = [...figure.querySelectorAll("input")];
    const texts = inputs.map((input) => JSON.parse(input.dataset.texts));
    const sentence = figure.querySelector(".npfl-says");
    const nodes = changes.map(([number]) => figure.querySelector(`[data-c="${number}"]`));

    const show = () => {
      let frame = 0;
      inputs.forEach((input, i) => {
        frame = frame * texts[i].length + +input.value;
        const text = texts[i][input.value];
        input.nextElementSibling.textContent = text;
        input.setAttribute("aria-valuetext", text);
      });
      changes.forEach(([, attribute, values, which], i) => {
        const value = values[which[frame]];
        if (attribute === "") nodes[i].innerHTML = value;
        else if (value === null) nodes[i].removeAttribute(attribute);
        else nodes[i].setAttribute(attribute, value);
      });
      if (says.length) sentence.textContent = says[frame];
    };

    // The page's address says where every slider stands that was moved: #figure.slider=value&...
    const read = () => {
      const state = new URLSearchParams(location.hash.slice(1));
      let named = false;
      inputs.forEach((input, i) => {
        const position = texts[i].indexOf(state.get(input.id));
        named ||= position >= 0;
        input.value = position >= 0 ? position : input.defaultValue;
      });
      show();
      return named;
    };
    const write = () => {
      const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
      inputs.forEach((input, i) => {
        if (input.value === input.defaultValue) state.delete(input.id);
        else state.set(input.id, texts[i][input.value]);
      });
      const hash = `#${state}`;
      if (hash !== location.hash) history.pushState(null, "", state.size ? hash : location.pathname + location.search);
    };

    inputs.forEach((input) => input.addEventListener("input", show));
    inputs.forEach((input) => input.addEventListener("change", write));
    figure.querySelector(".npfl-reset").addEventListener("click", () => {
      inputs.forEach((input) => { input.value = input.defaultValue; });
      show();
      write();
    });
    addEventListener("popstate", read);
    if (read()) figure.scrollIntoView();
  }
});
