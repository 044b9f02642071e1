/** Signs of past time, painted on a canvas: the shape carries the meaning, the colour repeats it. */

const TINTS = ["--fg-2", "--ok", "--r2", "--r1", "--r2", "--r1"];

function outline(pen, points) {
  pen.beginPath();
  points.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
}

/** A pressure: a ring without a value, a disc within its limits, a triangle pointing to the limit it broke. */
export function paintPoint(pen, { x, y, state }, ink, words) {
  pen.lineWidth = 1.5;
  pen.fillStyle = ink[TINTS[state]];
  pen.strokeStyle = ink["--bg-1"];
  if (state > 3) outline(pen, [[x, y - 9], [x + 8, y + 6], [x - 8, y + 6]]);
  else if (state > 1) outline(pen, [[x, y + 9], [x + 8, y - 6], [x - 8, y - 6]]);
  else { pen.beginPath(); pen.arc(x, y, state ? 5 : 4, 0, 7); }
  if (state) { pen.fill(); pen.stroke(); } else { pen.strokeStyle = ink["--fg-2"]; pen.stroke(); }
  if (!words) return;
  pen.font = "600 11px Barlow, sans-serif";
  pen.lineWidth = 3;
  pen.strokeStyle = ink["--m-halo"];
  pen.fillStyle = ink["--fg-0"];
  pen.strokeText(words, x + 9, y + 4);
  pen.fillText(words, x + 9, y + 4);
}

/** A valve that was closed (with a bar) or out of order. */
export function paintValve(pen, { x, y, state }, ink) {
  pen.lineWidth = 1.5;
  pen.strokeStyle = ink["--bg-1"];
  pen.fillStyle = state === 3 ? ink["--r2"] : ink["--fg-0"];
  outline(pen, [[x - 8, y - 5], [x - 8, y + 5], [x, y]]);
  pen.fill();
  pen.stroke();
  outline(pen, [[x + 8, y - 5], [x + 8, y + 5], [x, y]]);
  pen.fill();
  pen.stroke();
  if (state === 3) return;
  pen.lineWidth = 2;
  pen.strokeStyle = ink["--fg-0"];
  pen.beginPath();
  pen.moveTo(x, y - 8);
  pen.lineTo(x, y + 8);
  pen.stroke();
}

/** An open supervision case: a flag beside its place. */
export function paintCase(pen, { x, y }, ink) {
  pen.lineWidth = 2;
  pen.strokeStyle = pen.fillStyle = ink["--accent"];
  pen.beginPath();
  pen.moveTo(x + 8, y + 2);
  pen.lineTo(x + 8, y - 18);
  pen.stroke();
  outline(pen, [[x + 8, y - 18], [x + 20, y - 14], [x + 8, y - 10]]);
  pen.fill();
}

const SHAPES = {
  1: (pen, x, y) => { pen.beginPath(); pen.roundRect(x - 8, y - 8, 16, 16, 3); },
  2: (pen, x, y) => outline(pen, [[x, y - 9], [x + 10, y + 8], [x - 10, y + 8]]),
  3: (pen, x, y) => outline(pen, [[x, y - 10], [x + 10, y], [x, y + 10], [x - 10, y]]),
  4: (pen, x, y) => { pen.beginPath(); pen.arc(x, y, 8, 0, 7); },
};

/** An alarm that stood: the shape of its level on a stalk. */
export function paintAlarm(pen, { x, y, level }, ink) {
  pen.lineWidth = 1.6;
  pen.strokeStyle = ink["--fg-0"];
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x, y - 8);
  pen.stroke();
  SHAPES[level](pen, x, y - 14);
  pen.fillStyle = ink[`--r${level}`];
  pen.fill();
  pen.stroke();
}
