/**
 * Sound and light of alarms, within what browsers allow.
 *
 * A page may sound only after somebody touched it. The switch says so: off, on, or blocked until a key or a click.
 * While a critical alarm is unseen the title flashes, the edge of the page lights up, and the sound comes again;
 * both end when it is seen or the switch is off. Whoever asked for less motion gets a steady edge and title.
 */

import { $$, setIcon, store, t } from "./dom.mjs";

const AGAIN_MS = 10_000, FLASH_MS = 1000;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let audio = null, urgent = 0, again = null, flash = null;
const title = document.title;

const wanted = () => store.get("alarm-sound") === "on";
const unlocked = () => audio?.state === "running";

export function sirenState() {
  if (!wanted()) return "off";
  return unlocked() ? "on" : "blocked";
}

function paint() {
  const state = sirenState();
  for (const button of $$("#sound, button[data-siren]")) {
    button.hidden = false;
    button.dataset.state = state;
    button.setAttribute("aria-pressed", String(state !== "off"));
    button.title = t(`sound_${state}`);
    setIcon(button, state === "on" ? "volume-2" : "volume-x");
    const words = button.querySelector("span");
    if (words) words.textContent = t(`siren_${state}`);
  }
}

/** Ask the browser for sound; it may answer only when somebody touched the page. */
async function unlock() {
  if (!wanted()) return;
  audio ??= new AudioContext();
  audio.onstatechange = paint;
  if (audio.state !== "running") await Promise.race([audio.resume().catch(() => {}), new Promise((go) => { setTimeout(go, 500); })]);
  paint();
}

/** Two short tones. */
export function beep() {
  if (!wanted() || !unlocked()) return;
  for (const [n, pitch] of [880, 660].entries()) {
    const tone = audio.createOscillator(), volume = audio.createGain(), begin = audio.currentTime + n * 0.22;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, begin);
    volume.gain.exponentialRampToValueAtTime(0.2, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, begin + 0.2);
    tone.connect(volume).connect(audio.destination);
    tone.start(begin);
    tone.stop(begin + 0.21);
  }
}

function light() {
  const lit = urgent > 0 && wanted();
  document.documentElement.classList.toggle("alarm-light", lit);
  clearInterval(flash);
  clearInterval(again);
  const warning = `【${t("urgent_alarm")} ${urgent}】`;
  document.title = lit ? warning + title : title;
  if (!lit) return;
  beep();
  again = setInterval(beep, AGAIN_MS);
  if (calm.matches) return;
  let on = true;
  flash = setInterval(() => { on = !on; document.title = on ? warning + title : title; }, FLASH_MS);
}

/** Tell how many critical alarms nobody has seen. */
export function setUrgent(count) {
  if (count === urgent) return;
  urgent = count;
  light();
}

/** Begin: the switches of this page, and the first touch that lets a page sound. */
export function startSiren() {
  for (const button of $$("#sound, button[data-siren]")) {
    button.addEventListener("click", async () => {
      // A click while the browser blocks the sound lets it sound; only a second one switches it off.
      if (sirenState() !== "blocked") store.set("alarm-sound", wanted() ? "off" : "on");
      await unlock();
      paint();
      light();
      if (!urgent) beep();
    });
  }
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => { if (sirenState() === "blocked") unlock().then(light); });
  addEventListener("storage", (event) => { if (event.key === "alarm-sound") { paint(); light(); } });
  calm.addEventListener("change", light);
  paint();
  unlock();
}
