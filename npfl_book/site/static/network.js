// A network with one hidden layer and its training: the four functions of the chapter "Steps of training",
// with the lines that it derives. X holds a row [x, y] for each point, Y its class, 0 or 1; parameters and
// derivatives are one array for each name, W1 with a row for each input.
export const activations = {
  tanh: { f: Math.tanh, slope: (h) => 1 - h * h },
  ReLU: { f: (u) => Math.max(u, 0), slope: (h) => +(h > 0) },
  sigmoid: { f: (u) => 1 / (1 + Math.exp(-u)), slope: (h) => h * (1 - h) },
};

export const initialize = (hidden, normal) => ({
  W1: Float64Array.from({ length: 2 * hidden }, () => normal() / Math.sqrt(2)),
  b1: new Float64Array(hidden),
  W2: Float64Array.from({ length: hidden }, () => normal() / Math.sqrt(hidden)),
  b2: new Float64Array(1),
});

export const forward = (p, X, { f }) => {
  const hidden = p.b1.length;
  const H = X.map(([x, y]) => Float64Array.from(p.b1, (b, j) => f(x * p.W1[j] + y * p.W1[hidden + j] + b)));
  return { Z: H.map((h) => h.reduce((z, value, j) => z + value * p.W2[j], p.b2[0])), H };
};

export const crossEntropy = (Z, Y) => {
  const losses = Z.map((z, b) => Math.max(z, 0) - z * Y[b] + Math.log1p(Math.exp(-Math.abs(z))));
  const loss = losses.reduce((sum, value) => sum + value, 0) / Y.length;
  return { loss, dZ: Z.map((z, b) => (1 / (1 + Math.exp(-z)) - Y[b]) / Y.length) };
};

export const backward = (p, X, H, dZ, { slope }) => {
  const hidden = p.b1.length;
  const d = { W1: new Float64Array(2 * hidden), b1: new Float64Array(hidden), W2: new Float64Array(hidden), b2: new Float64Array(1) };
  X.forEach(([x, y], b) => {
    d.b2[0] += dZ[b];
    for (let j = 0; j < hidden; j++) {
      const dU = dZ[b] * p.W2[j] * slope(H[b][j]);
      d.W2[j] += H[b][j] * dZ[b];
      d.b1[j] += dU;
      d.W1[j] += x * dU;
      d.W1[hidden + j] += y * dU;
    }
  });
  return d;
};

export const update = (p, gradients, learningRate) => {
  for (const name of Object.keys(p)) p[name].forEach((_, i) => { p[name][i] -= learningRate * gradients[name][i]; });
};

// One step on all points.
export const step = (p, X, Y, activation, learningRate) => {
  const { Z, H } = forward(p, X, activation);
  update(p, backward(p, X, H, crossEntropy(Z, Y).dZ, activation), learningRate);
};
