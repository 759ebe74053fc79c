// Finds sections, terms and names for what a reader asks in words; search.js shows them.
import MiniSearch from "./minisearch.js";
import { stemmer } from "./stemmer.js";

// Words of a question that say nothing of its subject.
const QUESTION = new Set(("a about after all an and any are as at be because been between but by calculate calculated can come compute computed could define defined " +
  "definition describe did difference differ different do does doing each example explain find for formula from get give go good had happen happens has have how i if in " +
  "instead into is it its just keep know like make makes many me mean meaning means much must my need not of on one only or other our out should show so some such tell " +
  "than that the their them then there these they thing this those to too typical typically use used useful uses using versus very vs want was we what when where which who why will with " +
  "without work works would write you your").split(" "));
// What else things are called; the pages say what stands on the right.
const CALLED = Object.entries({
  "cross[- ]?entropy|log ?loss|bce|cce": "crossentropy",
  "f[- ]?1(?:[- ]?(?:score|measure))?|f[- ](?:score|measure|beta)": "fscore",
  "xavier": "glorot",
  "kaiming|msra": "he",
  "he[- ](?:init\\w*|normal|uniform)": "heinit initialization",
  "(?:dying|dead|died) (?:relu|neuron|unit)s?": "deadunit relu",
  "neurons?|nodes?": "unit",
  "batch ?norm": "batch normalization",
  "layer ?norm": "layer normalization",
  "lasso": "l1 penalty",
  "ridge(?: regression)?|tikhonov": "l2 penalty",
  "l1[- ](?:norm|regulari[sz]ation|regulari[sz]er|loss)": "l1 penalty",
  "l2[- ](?:norm|regulari[sz]ation|regulari[sz]er)": "l2 penalty",
  "stochastic gradient descent": "sgd",
  "(?:maximum|max) likelihood(?: estimation)?|mle": "mle",
  "maximum a posteriori|map(?= |$)(?! of)": "posteriori",
  "negative log[- ]likelihood": "nll",
  "(?:mean )?squared? (?:error|loss)|quadratic loss|mse": "mse",
  "(?:mean )?absolute (?:error|loss)|mae": "absolute error",
  "(?:gaussian|normal)s?(?: distributions?| densit(?:y|ies))?": "gaussian",
  "kl(?:[- ]divergence)?|kullback[- ]leibler(?: divergence)?|relative entropy": "kullback",
  "expected calibration error|ece": "ece calibration",
  "back[- ]?prop(?:agation|agate|agating)?": "backpropagation",
  "lr|step ?size": "learning rate",
  "mini[- ]?batch(?:es)?": "batch",
  "colou?r": "colour",
  "multi[- ]?layer perceptrons?": "mlp",
  "recurrent (?:neural )?networks?": "rnn",
  "clip[- ]?norm|norm clipping": "clipnorm clipping",
  "nan|inf|overflow(?:s|ing)?": "overflow",
  "hyper[- ]parameters?": "hyperparameter",
  "over[- ]?fit(?:s|ted|ting)?": "overfitting",
  "under[- ]?fit(?:s|ted|ting)?": "underfitting",
  "numerical(?:ly)? (?:gradients?|derivatives?|differentiation)|finite differences?": "gradient check",
  "reliability (?:diagram|plot|curve)s?|calibration (?:curve|plot)s?": "reliability chart",
  "snapshots?": "checkpoints",
  "soft (?:labels?|targets?)": "label smoothing",
  "(?:data )?leak(?:s|age|ing)?": "leakage",
  "skip connections?|resnets?": "residual connection",
  "one[- ]hot": "onehot",
  "perceptrons?": "unit",
  "sparsity|sparse (?:weights?|parameters?|solutions?|models?)": "l1 zeros sparse",
  "(?:im|un)balanced|class imbalance": "rare fscore",
  "train(?:ing)?[ ,/-]+(?:and )?(?:(?:dev|valid\\w*)[ ,/-]+)?(?:and )?test(?: data| sets?| splits?)?": "training validation test data",
  "log[- ]?sum[- ]?exp": "logsumexp",
}).map(([pattern, name]) => [new RegExp(`(?<![\\p{L}\\p{N}_.])(?:${pattern})(?![\\p{L}\\p{N}_])`, "gu"), name]);
// Terms come first, what closes a chapter later, and the reference of the package last.
const KINDS = { term: 1.25, chapter: 1, exercise: 0.6, other: 0.5, end: 0.45, reference: 0.1 };

const plain = (text) => {
  let said = text.normalize("NFKC").toLowerCase().replace(/[’]/g, "'").replace(/(l)\^(\d)/g, "$1$2").replace(/(\p{L})'s?(?!\p{L})/gu, "$1").replace(/isation\b/g, "ization").replace(/ise(r|d|s)?\b/g, "ize$1");
  for (const [pattern, name] of CALLED) said = said.replace(pattern, /** @type {string} */ (name));
  return said;
};
const words = (text) => plain(text).match(/[\p{L}\p{N}_.]*[\p{L}\p{N}_]/gu) ?? [];
const stems = (text) => words(text).filter((word) => !QUESTION.has(word)).map(stemmer);

/**
 * Make a search of the entries of the index, each [address, title, page, kind, text].
 * @param {string[][]} entries
 */
export const open = async (entries) => {
  const index = new MiniSearch({ fields: ["title", "page", "text"], idField: "address", tokenize: words, processTerm: (word) => stemmer(word) });
  const all = new Map(entries.map(([address, title, page, kind, text]) => [address, { address, title, page, kind, text, called: stems(title).join(" ") }]));
  // In parts, so that typing goes on meanwhile. The title of a page counts once.
  const list = [...all.values()].map((entry) => ({ ...entry, page: entry.page === entry.title ? "" : entry.page }));
  await index.addAllAsync(list, { chunkSize: 25 });
  return (question, most = 20) => {
    const asked = stems(question), terms = [...new Set(asked.length ? asked : words(question).map(stemmer))];
    // The terms are stems already, and the last may be half a word.
    return index.search(terms.join(" "), {
      tokenize: (text) => text.split(" "),
      processTerm: (term) => term,
      boost: { title: 5, page: 2 },
      prefix: (term, i, list) => i === list.length - 1 && term.length > 2,
      fuzzy: (term) => (term.length > 5 ? 0.2 : false),
      weights: { fuzzy: 0.2, prefix: 0.4 },
    }).map((hit) => {
      const entry = all.get(hit.id);
      // A section with all words outweighs one that has one of them often, and one that is called so all others.
      const share = new Set(hit.queryTerms).size / terms.length;
      // A term counts as one where its whole name was asked for, or where it has all that was asked for; else it
      // is one of many that share a word. The last word may be half typed.
      const called = entry.called.split(" ");
      const fits = called.every((word) => terms.includes(word) || word.startsWith(terms[terms.length - 1])) ||
        terms.every((term) => called.some((word) => word.startsWith(term)));
      const kind = entry.kind === "term" && !fits ? "other" : entry.kind;
      return { ...entry, terms: hit.terms, score: hit.score * KINDS[kind] * share ** 2 * (entry.called === terms.join(" ") ? 3 : 1) };
    }).sort((a, b) => b.score - a.score).slice(0, most);
  };
};

/** The sentences of an entry that fit a question best, as parts: [text, whether it was sought]. */
export const excerpt = ({ text, terms }, length = 180) => {
  const sought = new Set(terms);
  const pieces = text.split(/(?<=[.?!]) (?=[\p{Lu}“(\d])/u);
  const values = pieces.map((piece) => new Set(stems(piece).filter((word) => sought.has(word))).size);
  const best = values.indexOf(Math.max(...values));
  let said = pieces[best];
  for (let i = best + 1; i < pieces.length && said.length + pieces[i].length < length; i++) said += ` ${pieces[i]}`;
  if (said.length > length + 60) said = `${said.slice(0, length).replace(/\s+\S*$/, "")} …`;
  return said.split(/([\p{L}\p{N}][\p{L}\p{N}_.-]*)/u).map((part) => [part, stems(part).some((word) => sought.has(word))]);
};
