// The network on the first page learns while it is looked at; network.js has its formulas.
{
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const LAST = 5000; // steps; then it rests
  const A_FRAME = 2, A_PRESS = 100; // steps between two pictures
  const bring = async (/** @type {HTMLElement} */ figure) => {
    const { activations, initialize, forward, crossEntropy, step } = await import(new URL("network.js", src).href);
    const given = JSON.parse(figure.querySelector("script").textContent);
    const { left, right, bottom, top } = given.view;
    const picture = figure.querySelector(".picture");
    const says = figure.querySelector(".says"), curve = figure.querySelector(".loss polyline");
    const press = (name) => figure.querySelector(`button[name=${name}]`);
    const chosen = (name) => /** @type {HTMLInputElement} */ (figure.querySelector(`input[name=learning-${name}]:checked`)).value;
    const still = matchMedia("(prefers-reduced-motion: reduce)");

    const canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", `${picture.getAttribute("aria-label")} The arrow keys move a cross; Enter adds a point there.`);
    const context = canvas.getContext("2d");
    // The field of probabilities, coarse; the canvas smooths it.
    const field = Object.assign(document.createElement("canvas"), { width: 70, height: 40 });
    const brush = field.getContext("2d"), image = brush.createImageData(field.width, field.height);
    const across = (x) => (x - left) / (right - left) * canvas.width, down = (y) => (top - y) / (top - bottom) * canvas.height;
    const grid = Array.from({ length: field.width * field.height }, (_, i) => [
      left + (i % field.width + 0.5) / field.width * (right - left),
      top - (Math.floor(i / field.width) + 0.5) / field.height * (top - bottom),
    ]);

    let X, Y, p, steps, losses, last;
    let running = !still.matches, seen = false, cross = null, due = 0;
    const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    const restart = () => {
      steps = 0;
      losses = [];
      train(0);
    };
    const anew = () => {
      p = initialize(+chosen("units"), normal);
      restart();
    };
    const train = (count) => {
      const activation = activations[chosen("activation")];
      last = null;
      if (!X.length) return;
      for (let i = 0; i < count; i++) step(p, X, Y, activation, +chosen("rate"));
      const { Z } = forward(p, X, activation);
      last = { loss: crossEntropy(Z, Y).loss, right: Z.filter((z, b) => (z > 0) === (Y[b] === 1)).length };
      steps += count;
      losses.push(last.loss);
      if (!Number.isFinite(last.loss)) running = false;
    };

    const draw = () => {
      const style = getComputedStyle(canvas);
      const colors = ["--npfl-zero", "--npfl-one"].map((name) => style.getPropertyValue(name).trim());
      const [zero, one] = colors.map((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
      const { Z } = forward(p, grid, activations[chosen("activation")]);
      Z.forEach((z, i) => {
        const share = 2 / (1 + Math.exp(-z)) - 1;
        image.data.set(share > 0 ? one : zero, 4 * i);
        image.data[4 * i + 3] = 120 * Math.abs(share);
      });
      brush.putImageData(image, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.imageSmoothingQuality = "high";
      context.drawImage(field, 0, 0, canvas.width, canvas.height);
      // Where the input of a hidden unit is 0.
      context.strokeStyle = style.color;
      context.globalAlpha = 0.3;
      context.lineWidth = devicePixelRatio;
      const hidden = p.b1.length;
      for (let j = 0; j < hidden; j++) {
        const a = p.W1[j], b = p.W1[hidden + j], far = 100 / Math.hypot(a, b), near = -p.b1[j] / (a * a + b * b);
        context.beginPath();
        context.moveTo(across(near * a - far * b), down(near * b + far * a));
        context.lineTo(across(near * a + far * b), down(near * b - far * a));
        context.stroke();
      }
      context.globalAlpha = 1;
      context.lineWidth = 1.75 * devicePixelRatio;
      const size = 3.5 * devicePixelRatio;
      const mark = (x, y, which) => {
        context.beginPath();
        context.strokeStyle = context.fillStyle = colors[which];
        if (which) {
          context.arc(x, y, size, 0, 7);
          context.fill();
        } else {
          context.moveTo(x - size, y - size);
          context.lineTo(x + size, y + size);
          context.moveTo(x - size, y + size);
          context.lineTo(x + size, y - size);
          context.stroke();
        }
      };
      X.forEach(([x, y], b) => mark(across(x), down(y), Y[b]));
      if (cross && document.activeElement === canvas) {
        context.strokeStyle = style.color;
        context.strokeRect(across(cross[0]) - 2 * size, down(cross[1]) - 2 * size, 4 * size, 4 * size);
      }
      const number = steps.toLocaleString("en");
      if (!last) says.textContent = "No points: click into the picture to add some.";
      else if (!Number.isFinite(last.loss)) says.textContent = `Step ${number}: the loss is no longer a number, the steps were too long. Start anew with a smaller learning rate.`;
      else says.textContent = `Step ${number}: mean loss ${last.loss.toFixed(3)}, ${last.right} of ${X.length} points right.`;
      const every = Math.ceil(losses.length / 200), most = Math.max(0.7, ...losses.slice(0, 5));
      const shown = losses.filter((_, i) => i % every === 0);
      curve.setAttribute("points", shown.map((loss, i) => `${(i / Math.max(60, shown.length - 1) * 120).toFixed(1)},${(31 - 30 * Math.min(1, loss / most)).toFixed(1)}`).join(" "));
      press("run").textContent = still.matches ? `Train ${A_PRESS} steps` : running && steps < LAST ? "Pause" : "Run";
    };
    const moves = () => running && seen && !still.matches && steps < LAST && X.length;
    const frame = () => {
      due = 0;
      if (moves()) train(A_FRAME);
      draw();
      if (moves()) later();
    };
    const later = () => { due ||= requestAnimationFrame(frame); };

    const add = (x, y) => {
      X.push([x, y]);
      Y.push(+chosen("class"));
      // A network that rests has something to learn again.
      if (steps >= LAST) restart(); else train(0);
      later();
    };
    canvas.addEventListener("click", ({ offsetX, offsetY }) => {
      add(left + offsetX / canvas.clientWidth * (right - left), top - offsetY / canvas.clientHeight * (top - bottom));
    });
    canvas.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (way) {
        const [x, y] = cross ?? [(left + right) / 2, (bottom + top) / 2];
        cross = [Math.min(right, Math.max(left, x + way[0])), Math.min(top, Math.max(bottom, y + way[1]))];
      } else if (event.key === "Enter" || event.key === " ") add(...(cross ??= [(left + right) / 2, (bottom + top) / 2]));
      else return;
      event.preventDefault();
      later();
    });
    for (const name of ["focus", "blur"]) canvas.addEventListener(name, later);
    figure.addEventListener("change", ({ target }) => {
      const { name } = /** @type {HTMLInputElement} */ (target);
      if (/units|activation/.test(name)) anew();
      later();
    });
    press("run").addEventListener("click", () => {
      if (still.matches) train(A_PRESS);
      else if (running && steps >= LAST) anew();
      else running = !running;
      later();
    });
    press("anew").addEventListener("click", () => { running = true; anew(); later(); });
    press("clear").addEventListener("click", () => { X = []; Y = []; restart(); later(); });
    still.addEventListener("change", later);

    X = given.points.map(([x, y]) => [x, y]);
    Y = given.points.map((point) => point[2]);
    p = Object.fromEntries(Object.entries(given.start).map(([name, values]) => [name, Float64Array.from(/** @type {number[]} */ (values))]));
    restart();
    // Without motion the picture stays the one that stood there: a network that has learned.
    if (still.matches) train(given.steps);
    picture.replaceWith(canvas);
    new ResizeObserver(() => {
      canvas.width = canvas.clientWidth * devicePixelRatio;
      canvas.height = canvas.clientHeight * devicePixelRatio;
      draw();
    }).observe(canvas);
    new IntersectionObserver(([{ isIntersecting }]) => { seen = isIntersecting; later(); }).observe(canvas);
    new MutationObserver(later).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    for (const fields of figure.querySelectorAll("fieldset")) fields.disabled = false;
  };
  for (const figure of document.querySelectorAll(".npfl-learning")) bring(figure);
}
