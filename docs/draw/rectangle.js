/** The least rectangle around points, as OpenCV's `minAreaRect` finds it. */

const cross = ([ax, ay], [bx, by], [cx, cy]) => (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);

/** The convex hull of points, from the leftmost (Andrew's monotone chain). */
function hull(points) {
  const sorted = points.toSorted(([ax, ay], [bx, by]) => ax - bx || ay - by);
  const half = (ordered) => {
    const kept = [];
    for (const point of ordered) {
      while (kept.length > 1 && cross(kept.at(-2), kept.at(-1), point) <= 0) kept.pop();
      kept.push(point);
    }
    return kept.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

/** [x, y, width, height, degrees] of the rectangle of least area around points [x, y]: a side lies on the hull. */
export function leastRectangle(points) {
  const around = hull(points);
  let best = { area: Infinity };
  around.forEach(([x, y], k) => {
    const [toX, toY] = around[(k + 1) % around.length], length = Math.hypot(toX - x, toY - y);
    const [cos, sin] = [(toX - x) / length, (toY - y) / length];
    const along = around.map(([px, py]) => px * cos + py * sin), across = around.map(([px, py]) => py * cos - px * sin);
    const [left, right] = [Math.min(...along), Math.max(...along)];
    const [top, bottom] = [Math.min(...across), Math.max(...across)];
    const area = (right - left) * (bottom - top);
    if (area < best.area - 1e-6) best = { area, cos, sin, left, right, top, bottom };
  });
  const { cos, sin, left, right, top, bottom } = best, u = (left + right) / 2, v = (top + bottom) / 2;
  return [u * cos - v * sin, u * sin + v * cos, right - left, bottom - top, (Math.atan2(sin, cos) * 180) / Math.PI];
}
