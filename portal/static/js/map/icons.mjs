/** Map signs drawn on a canvas: the shape carries the meaning, the colour repeats it. */

import { theme, token } from "../dom.mjs";

const SCALE = 2;

function draw(map, name, width, height, paint) {
  const canvas = document.createElement("canvas");
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  const pen = canvas.getContext("2d");
  pen.scale(SCALE, SCALE);
  pen.lineJoin = "round";
  pen.lineCap = "round";
  paint(pen);
  if (map.hasImage(name)) map.removeImage(name);
  map.addImage(name, pen.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: SCALE });
}

function polygon(pen, points) {
  pen.beginPath();
  points.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
}

function strokes(pen, ...lines) {
  pen.beginPath();
  for (const line of lines) line.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}

const STATIONS = {
  "station-gate": ["#3d55c9", (pen) => strokes(pen, [[9, 22], [9, 10], [21, 10], [21, 22]], [[9, 16], [21, 16]])],
  "station-tank": ["#8a4a12", (pen) => { pen.beginPath(); pen.arc(15, 14, 6, 0, 7); pen.stroke(); strokes(pen, [[10.5, 18.5], [9, 23]], [[19.5, 18.5], [21, 23]]); }],
  "station-lng": ["#0a7f97", (pen) => { pen.beginPath(); pen.roundRect(7, 11, 16, 9, 4.5); pen.stroke(); strokes(pen, [[11, 20], [11, 23]], [[19, 20], [19, 23]]); }],
  "station-cng": ["#2f6f4f", (pen) => { pen.beginPath(); pen.roundRect(9, 8, 4.6, 14, 2.2); pen.roundRect(16.4, 8, 4.6, 14, 2.2); pen.stroke(); }],
  "station-fuel": ["#6b5412", (pen) => { pen.beginPath(); pen.roundRect(9, 8, 8, 14, 1.5); pen.stroke(); strokes(pen, [[17, 13], [20, 13], [20, 20]], [[9, 14], [17, 14]]); }],
  "station-regulate": ["#5a46b8", (pen) => { polygon(pen, [[8, 10], [8, 20], [15, 15]]); pen.stroke(); polygon(pen, [[22, 10], [22, 20], [15, 15]]); pen.stroke(); }],
};

function drawStations(map, dark) {
  for (const [name, [colour, sign]] of Object.entries(STATIONS)) {
    draw(map, name, 30, 30, (pen) => {
      pen.beginPath();
      pen.roundRect(2, 2, 26, 26, 8);
      pen.fillStyle = colour;
      pen.fill();
      pen.lineWidth = 2;
      pen.strokeStyle = dark ? "#eaf0f8" : "#ffffff";
      pen.stroke();
      pen.strokeStyle = "#ffffff";
      sign(pen);
    });
  }
}

function drawDevices(map, dark) {
  const edge = dark ? "#0a111d" : "#ffffff";
  const small = (name, colour, sign) => draw(map, name, 20, 20, (pen) => {
    pen.lineWidth = 1.6;
    pen.strokeStyle = edge;
    pen.fillStyle = colour;
    sign(pen);
  });
  const both = (pen) => { pen.fill(); pen.stroke(); };
  const bow = (pen) => { polygon(pen, [[2, 5], [2, 15], [10, 10]]); both(pen); polygon(pen, [[18, 5], [18, 15], [10, 10]]); both(pen); };
  const diamond = (pen) => { polygon(pen, [[10, 3], [17, 10], [10, 17], [3, 10]]); both(pen); };
  small("regulator", dark ? "#8fb4ff" : "#3b62c4", (pen) => { pen.beginPath(); pen.roundRect(4, 4, 12, 12, 2.5); both(pen); });
  small("valve", dark ? "#a9bbd3" : "#55677f", bow);
  small("valve-closed", dark ? "#eaf0f8" : "#101c2e", (pen) => { bow(pen); pen.lineWidth = 2; pen.strokeStyle = dark ? "#eaf0f8" : "#101c2e"; strokes(pen, [[10, 3], [10, 17]]); });
  small("valve-fault", token("--r2"), bow);
  small("sensor", dark ? "#49d7b4" : "#0b8a63", diamond);
  small("sensor-stale", dark ? "#6c7d95" : "#98a5b8", (pen) => { polygon(pen, [[10, 3], [17, 10], [10, 17], [3, 10]]); pen.lineWidth = 2; pen.strokeStyle = pen.fillStyle; pen.fillStyle = edge; both(pen); });
  small("user", dark ? "#7d90a9" : "#7f8ea3", (pen) => { pen.beginPath(); pen.arc(10, 10, 4.5, 0, 7); both(pen); });
  small("user-business", dark ? "#9fb8dd" : "#46608a", (pen) => { polygon(pen, [[10, 4], [16, 9], [14.5, 16], [5.5, 16], [4, 9]]); both(pen); });
}

const ALARM_SHAPES = {
  1: (pen) => { pen.beginPath(); pen.roundRect(3, 3, 30, 30, 5); },
  2: (pen) => polygon(pen, [[18, 2], [35, 33], [1, 33]]),
  3: (pen) => polygon(pen, [[18, 1], [35, 18], [18, 35], [1, 18]]),
  4: (pen) => { pen.beginPath(); pen.arc(18, 18, 15, 0, 7); pen.closePath(); },
};

function drawAlarms(map, dark) {
  const edge = dark ? "#ffffff" : "#1a2434";
  for (const [level, shape] of Object.entries(ALARM_SHAPES)) {
    draw(map, `alarm-${level}`, 36, 44, (pen) => {
      pen.fillStyle = token(`--r${level}`);
      polygon(pen, [[13, 32], [18, 43], [23, 32]]);
      pen.fill();
      shape(pen);
      pen.fill();
      pen.lineWidth = 2.4;
      pen.strokeStyle = edge;
      pen.stroke();
      pen.fillStyle = pen.strokeStyle = level === "1" && !dark ? "#ffffff" : "#10151d";
      pen.lineWidth = 3;
      const down = level === "2" ? 4 : 0;
      strokes(pen, level === "4" ? [[18, 17], [18, 25]] : [[18, 10 + down], [18, 19 + down]]);
      pen.beginPath();
      pen.arc(18, level === "4" ? 11 : 25 + down, 2, 0, 7);
      pen.fill();
    });
  }
}

/** Add every sign to the map; call again after each new style. */
export function addIcons(map) {
  const dark = theme() === "dark";
  draw(map, "arrow", 16, 16, (pen) => { pen.fillStyle = dark ? "#ffffff" : "#0d1726"; polygon(pen, [[4, 2.5], [13.5, 8], [4, 13.5], [6.6, 8]]); pen.fill(); });
  drawStations(map, dark);
  drawDevices(map, dark);
  drawAlarms(map, dark);
}
