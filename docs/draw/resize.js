/** Resizing as OpenCV does it: by area, linear, cubic. */

import { clip, image, round } from "./image.js";

const f = Math.fround;
const ONE = 2048; // the weights of a linear mean are whole numbers of 11 bits

/** The shares in which the old pixels from `first` on make each new one, single precision. */
function areaShares(old, wanted, scale) {
  return Array.from({ length: wanted }, (_, k) => {
    const low = k * scale, high = low + scale, cell = Math.min(scale, old - low);
    const last = Math.min(Math.floor(high), old - 1), from = Math.min(Math.ceil(low), last);
    const inside = Array(last - from).fill(f(1 / cell));
    const before = from - low > 1e-3, after = high - last > 1e-3;
    const left = before ? [f((from - low) / cell)] : [];
    const right = after ? [f(Math.min(Math.min(high - last, 1), cell) / cell)] : [];
    return { first: from - before, shares: Float32Array.of(...left, ...inside, ...right) };
  });
}

function byArea(old, width, height, scaleX, scaleY) {
  const { channels, data } = old, step = old.width * channels;
  const across = areaShares(old.width, width, scaleX), down = areaShares(old.height, height, scaleY);
  const out = image(width, height, channels);
  const row = new Float32Array(width * channels), sum = new Float32Array(row.length);
  down.forEach(({ first, shares }, y) => {
    sum.fill(0);
    shares.forEach((weight, j) => {
      const start = (first + j) * step;
      for (let x = 0; x < width; x++) {
        const { first: left, shares: parts } = across[x];
        for (let c = 0; c < channels; c++) {
          let value = 0;
          for (let i = 0, at = start + left * channels + c; i < parts.length; i++, at += channels) {
            value = f(value + f(data[at] * parts[i]));
          }
          row[x * channels + c] = value;
        }
      }
      for (let i = 0; i < row.length; i++) sum[i] += f(weight * row[i]);
    });
    for (let i = 0; i < sum.length; i++) out.data[y * sum.length + i] = clip(round(sum[i]), 0, 255);
  });
  return out;
}

/** By area where each new pixel is a whole number of old ones wide and high. */
function byWholeArea(old, width, height, wide, high) {
  const { channels, data } = old, step = old.width * channels, out = image(width, height, channels);
  const share = f(1 / (wide * high)), quarter = wide === 2 && high === 2;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++, at++) {
        let sum = 0;
        for (let j = 0; j < high; j++) {
          const start = (y * high + j) * step + x * wide * channels + c;
          for (let i = 0; i < wide; i++) sum += data[start + i * channels];
        }
        out.data[at] = quarter ? (sum + 2) >> 2 : round(f(sum * share));
      }
    }
  }
  return out;
}

/**
 * Where each new pixel lies: the old one before it, and the weight of the next, in 2048ths.
 * @param area whether the way is "area", which is nearly linear where an image grows
 * @param held whether places outside are moved to the edge with all their weight, as OpenCV does across, not down
 */
function linearPlaces(old, wanted, scale, area, held) {
  const at = new Int32Array(wanted), weight = new Int32Array(wanted);
  for (let k = 0; k < wanted; k++) {
    let place = area ? Math.floor(k * scale) : f((k + 0.5) * scale - 0.5), rest;
    if (area) {
      rest = f(k + 1 - (place + 1) / scale);
      rest = rest <= 0 ? 0 : f(rest - Math.floor(rest));
    } else {
      rest = f(place - Math.floor(place));
      place = Math.floor(place);
    }
    if (held && place < 0) [place, rest] = [0, 0];
    if (held && place >= old - 1) [place, rest] = [old - 1, 0];
    [at[k], weight[k]] = [place, round(f(rest * ONE))];
  }
  return { at, weight };
}

function linear(old, width, height, scaleX, scaleY, area) {
  const { channels, data } = old, step = old.width * channels, out = image(width, height, channels);
  const across = linearPlaces(old.width, width, scaleX, area, true);
  const down = linearPlaces(old.height, height, scaleY, area, false);
  const kept = [-1, -1], rows = [new Int32Array(width * channels), new Int32Array(width * channels)];
  const rowAt = (y, other) => {
    let k = kept.indexOf(y);
    if (k >= 0) return k;
    k = other === 0 ? 1 : 0;
    kept[k] = y;
    for (let x = 0, i = 0; x < width; x++) {
      const b = across.weight[x], a = ONE - b, start = y * step + across.at[x] * channels;
      const next = across.at[x] < old.width - 1 ? channels : 0;
      for (let c = 0; c < channels; c++, i++) rows[k][i] = data[start + c] * a + data[start + next + c] * b;
    }
    return k;
  };
  for (let y = 0, i = 0; y < height; y++) {
    const top = clip(down.at[y], 0, old.height - 1), next = clip(down.at[y] + 1, 0, old.height - 1);
    const b = down.weight[y], a = ONE - b;
    const upper = rowAt(top, kept.indexOf(next)), one = rows[upper], two = rows[rowAt(next, upper)];
    for (let x = 0; x < one.length; x++, i++) {
      out.data[i] = (((a * (one[x] >> 4)) >> 16) + ((b * (two[x] >> 4)) >> 16) + 2) >> 2;
    }
  }
  return out;
}

/** The four weights of a cubic mean at a share of the way from the second pixel to the third. */
function cubicWeights(x) {
  const A = -0.75;
  const one = ((A * (x + 1) - 5 * A) * (x + 1) + 8 * A) * (x + 1) - 4 * A;
  const two = ((A + 2) * x - (A + 3)) * x * x + 1;
  const three = ((A + 2) * (1 - x) - (A + 3)) * (1 - x) * (1 - x) + 1;
  return [one, two, three, 1 - one - two - three];
}

function cubicPlaces(old, wanted, scale) {
  return Array.from({ length: wanted }, (_, k) => {
    const place = (k + 0.5) * scale - 0.5, first = Math.floor(place);
    const at = [-1, 0, 1, 2].map((i) => clip(first + i, 0, old - 1));
    return { at, weights: cubicWeights(place - first) };
  });
}

function cubic(old, width, height, scaleX, scaleY) {
  const { channels, data } = old, step = old.width * channels, out = image(width, height, channels);
  const across = cubicPlaces(old.width, width, scaleX), down = cubicPlaces(old.height, height, scaleY);
  const wide = new Float64Array(old.height * width * channels);
  for (let y = 0, i = 0; y < old.height; y++) {
    for (const { at, weights } of across) {
      for (let c = 0; c < channels; c++, i++) {
        for (let k = 0; k < 4; k++) wide[i] += weights[k] * data[y * step + at[k] * channels + c];
      }
    }
  }
  const row = width * channels;
  down.forEach(({ at, weights }, y) => {
    for (let x = 0; x < row; x++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += weights[k] * wide[at[k] * row + x];
      out.data[y * row + x] = clip(round(sum), 0, 255);
    }
  });
  return out;
}

/**
 * An image of another size.
 * @param how "area", "linear" or "cubic"
 * @param factorX by how much it gets wider, where that is not the quotient of the widths to the last digit
 */
export function resize(old, width, height, how, factorX = width / old.width) {
  const scaleX = 1 / factorX, scaleY = 1 / (height / old.height);
  if (how === "cubic") return cubic(old, width, height, scaleX, scaleY);
  const wide = round(scaleX), high = round(scaleY);
  const whole = Math.abs(scaleX - wide) < 2.2e-16 && Math.abs(scaleY - high) < 2.2e-16;
  const twice = how === "linear" && whole && wide === 2 && high === 2;
  if ((how === "area" && scaleX >= 1 && scaleY >= 1) || twice) {
    return whole ? byWholeArea(old, width, height, wide, high) : byArea(old, width, height, scaleX, scaleY);
  }
  return linear(old, width, height, scaleX, scaleY, how === "area");
}
