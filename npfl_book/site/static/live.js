// The formulas behind the figures that readers move by hand (hands.js): those of the chapters, each compared with
// npfl by tests/browser/test_hands.py.

// 02b, optimizers: each makes, for a learning rate, a function that takes a step of all parameters in place.
const decayed = (theta, rate, decay) => { for (const i of theta.keys()) theta[i] *= 1 - rate * decay; };
const sgd = (momentum = 0, decay = 0) => (rate) => {
  const velocity = [];
  return (theta, gradient) => {
    decayed(theta, rate, decay);
    for (const [i, slope] of gradient.entries()) theta[i] += velocity[i] = momentum * (velocity[i] ?? 0) - rate * slope;
  };
};
const rmsprop = (rho = 0.9, epsilon = 1e-7) => (rate) => {
  const squares = [];
  return (theta, gradient) => {
    for (const [i, slope] of gradient.entries()) {
      squares[i] = (squares[i] ?? 0) + (1 - rho) * (slope ** 2 - (squares[i] ?? 0));
      theta[i] -= rate * slope / Math.sqrt(squares[i] + epsilon);
    }
  };
};
const adam = (decay = 0, beta = 0.9, beta2 = 0.999, epsilon = 1e-7) => (rate) => {
  const means = [], squares = [];
  let t = 0;
  return (theta, gradient) => {
    t += 1;
    decayed(theta, rate, decay);
    const length = rate * Math.sqrt(1 - beta2 ** t) / (1 - beta ** t);
    for (const [i, slope] of gradient.entries()) {
      means[i] = (means[i] ?? 0) + (1 - beta) * (slope - (means[i] ?? 0));
      squares[i] = (squares[i] ?? 0) + (1 - beta2) * (slope ** 2 - (squares[i] ?? 0));
      theta[i] -= length * means[i] / (Math.sqrt(squares[i]) + epsilon);
    }
  };
};
export const optimizers = {
  SGD: sgd(), momentum: sgd(0.9), SGDW: sgd(0.9, 0.5), RMSProp: rmsprop(), Adam: adam(), AdamW: adam(0.5),
};

// The path from `start` in the ravine ½ Σ curvature (θ − minimum)².
export const walk = (name, rate, { curvature, minimum, start }, steps) => {
  const take = optimizers[name](rate), theta = [...start], path = [[...theta]];
  for (let t = 0; t < steps; t++) {
    take(theta, theta.map((value, i) => curvature[i] * (value - minimum[i])));
    for (const i of theta.keys()) theta[i] = Math.min(1e6, Math.max(-1e6, theta[i])); // far enough away
    path.push([...theta]);
  }
  return path;
};
export const height = (theta, { curvature, minimum }) => theta.reduce((sum, value, i) => sum + curvature[i] * (value - minimum[i]) ** 2 / 2, 0);
// After how many steps a path is at a loss below 0.01.
export const needed = (path, ravine) => {
  const at = path.findIndex((theta) => height(theta, ravine) < 0.01);
  return at < 0 ? Infinity : at;
};

// 03, losses of an error, and the constants that make the mean loss of some values smallest.
export const losses = {
  squared: (error) => error ** 2,
  absolute: (error) => Math.abs(error),
  Huber: (error, delta) => Math.abs(error) <= delta ? error ** 2 / 2 : delta * (Math.abs(error) - delta / 2),
};
export const meanLoss = (name, values, constant, delta) => values.reduce((sum, value) => sum + losses[name](value - constant, delta), 0) / values.length;
export const best = {
  squared: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  absolute: (values) => [...values].sort((a, b) => a - b)[values.length >> 1], // of an odd number
  // Where the clipped errors add up to 0; their sum falls as the constant grows.
  Huber: (values, delta) => {
    let low = Math.min(...values), high = Math.max(...values);
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (values.reduce((sum, value) => sum + Math.min(delta, Math.max(-delta, value - middle)), 0) > 0) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  },
};

// 07b, the quadratic ½ (θ − minimum) A (θ − minimum), flat along an angle and steep across it.
/** @returns {number[][]} */
export const quadratic = (angle, flat, steep) => {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [[flat * c * c + steep * s * s, (flat - steep) * c * s], [(flat - steep) * c * s, flat * s * s + steep * c * c]];
};
// Where its sum with λ |θ|² is smallest: (A + 2 λ I) θ = A minimum.
export const shrunk = (/** @type {number[][]} */ A, /** @type {number[]} */ minimum, strength) => {
  const [[a, b], [, d]] = A, [x, y] = minimum;
  const right = [a * x + b * y, b * x + d * y], [p, q] = [a + 2 * strength, d + 2 * strength];
  const determinant = p * q - b * b;
  return [(q * right[0] - b * right[1]) / determinant, (p * right[1] - b * right[0]) / determinant];
};

// 07c, the posterior of the mean of N normal examples with variance 1, for a normal prior: its mean and deviation.
export const posterior = (prior, deviation, average, count) => {
  const precision = count + 1 / deviation ** 2;
  return [(count * average + prior / deviation ** 2) / precision, 1 / Math.sqrt(precision)];
};
export const bell = (x, mean, deviation) => Math.exp(-((x - mean) ** 2) / (2 * deviation ** 2));

// 11, the factors of dropout, from numbers drawn evenly from 0 to 1; and how probable it is that k of n remain.
export const factors = (drawn, rate) => drawn.map((u) => u >= rate ? 1 / (1 - rate) : 0);
export const remain = (k, n, rate) => {
  let ways = 1;
  for (let i = 0; i < k; i++) ways *= (n - i) / (i + 1);
  return ways * (1 - rate) ** k * rate ** (n - k);
};
