/** From columns of probabilities to digits, however many, and how sure they are. Python's `31_strips`. */

const NOTHING = 0; // the class of a column that says nothing new; digit d is class d + 1

/** Columns: `count` rows of `classes` probabilities, one after the other in `data`. */
const best = ({ data, classes }, t) => {
  let at = 0;
  for (let k = 1; k < classes; k++) if (data[t * classes + k] > data[t * classes + at]) at = k;
  return at;
};

/** The digits on the likeliest path, and the column where each begins (Graves and others, ICML 2006, 3.2). */
export function bestPath(columns) {
  const digits = [], begins = [];
  for (let t = 0, before = NOTHING; t < columns.count; t++) {
    const now = best(columns, t);
    if (now !== NOTHING && now !== before) {
      digits.push(now - 1);
      begins.push(t);
    }
    before = now;
  }
  return { digits, begins };
}

/** The probability that columns say just these digits: the forward variables (the same, 4.1). */
export function textProbability({ data, classes, count }, digits) {
  const states = [NOTHING, ...digits.flatMap((digit) => [digit + 1, NOTHING])];
  let reached = states.map((state, s) => (s < 2 ? data[state] : 0));
  for (let t = 1; t < count; t++) {
    reached = states.map((state, s) => {
      let before = reached[s];
      if (s > 0) before += reached[s - 1];
      if (s > 1 && s % 2 && state !== states[s - 2]) before += reached[s - 2];
      return before * data[t * classes + state];
    });
  }
  return reached.slice(-2).reduce((sum, value) => sum + value, 0);
}

/** The greatest probability that a column gives each digit on the likeliest path. */
function each(columns) {
  const { digits, begins } = bestPath(columns);
  return digits.map((digit, k) => {
    let most = 0;
    const end = begins[k + 1] ?? columns.count;
    for (let t = begins[k]; t < end; t++) most = Math.max(most, columns.data[t * columns.classes + digit + 1]);
    return most;
  });
}

/** The text, its confidence, that of each digit, and which look says it the surest. */
export function decode(looks) {
  const proposed = looks.map((columns) => bestPath(columns).digits);
  const means = proposed.map((text) => looks.reduce((sum, one) => sum + textProbability(one, text), 0) / looks.length);
  const chosen = means.indexOf(Math.max(...means)), text = proposed[chosen].join("");
  let surest = -1, most = -1;
  proposed.forEach((digits, k) => {
    const sure = digits.join("") === text ? textProbability(looks[k], digits) : -1;
    if (sure > most) [most, surest] = [sure, k];
  });
  return { text, confidence: Math.min(means[chosen], 1), digits: each(looks[surest]), surest };
}
