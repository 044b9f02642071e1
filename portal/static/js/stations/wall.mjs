/**
 * The wall of videos: each tile asks its camera by HLS or WebRTC (WHEP) and says in words when there is no picture,
 * since when, or that it stands still. A camera that was lost is asked again, ever more slowly.
 */

import { $, $$, locale, t } from "../dom.mjs";

const ANSWER_MS = 12_000, STUCK_MS = 15_000, AGAIN_MS = 5000, AGAIN_MOST_MS = 60_000;
const clock = new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: "Asia/Shanghai" });

class Tile {
  constructor(element) {
    this.element = element;
    this.video = $("video", element);
    this.wait = AGAIN_MS;
    this.moved = 0;
    this.video.addEventListener("timeupdate", () => this.playing());
    this.video.addEventListener("ended", () => { this.video.currentTime = 0; this.video.play().catch(() => {}); });
    this.video.addEventListener("error", () => this.silent());
    $("[data-again]", element).addEventListener("click", () => { this.wait = AGAIN_MS; this.ask(); });
    setInterval(() => { if (this.element.dataset.state === "live" && Date.now() - this.moved > STUCK_MS) this.silent("stuck"); }, 3000);
    this.ask();
  }

  say(state, words) {
    if (this.element.dataset.state !== state || !this.since) this.since = Date.now();
    this.element.dataset.state = state;
    $(".tile-note b", this.element).textContent = words;
    $(".tile-note small", this.element).textContent = state === "asking" ? "" : t("video_since", { at: clock.format(this.since) });
    $(".tile-state", this.element).textContent = words;
    $("[data-again]", this.element).hidden = state === "asking" || state === "live";
  }

  playing() {
    this.moved = Date.now();
    if (this.element.dataset.state === "live") return;
    clearTimeout(this.due);
    this.wait = AGAIN_MS;
    this.say("live", t("video_live"));
  }

  silent(how = "silent") {
    this.stop();
    this.say(how, t(`video_${how}`));
    clearTimeout(this.due);
    this.due = setTimeout(() => this.ask(), this.wait);
    this.wait = Math.min(AGAIN_MOST_MS, this.wait * 2);
  }

  stop() {
    this.player?.destroy?.();
    this.player?.close?.();
    this.player = null;
    this.video.removeAttribute("src");
    this.video.srcObject = null;
  }

  ask() {
    this.stop();
    if (this.element.dataset.state === "asking" || !this.since) this.say("asking", t("video_asking"));
    clearTimeout(this.due);
    this.due = setTimeout(() => this.silent(), ANSWER_MS);
    const { kind, address } = this.element.dataset;
    if (kind === "webrtc") this.askWebRtc(address).catch(() => this.silent());
    else this.askHls(address);
  }

  askHls(address) {
    const { Hls } = globalThis;
    if (Hls?.isSupported()) {
      // Workers from a blob are refused by the policy of the page.
      const player = this.player = new Hls({ enableWorker: false, manifestLoadingMaxRetry: 0, levelLoadingMaxRetry: 1, fragLoadingMaxRetry: 1, manifestLoadingTimeOut: ANSWER_MS });
      player.on(Hls.Events.ERROR, (_, problem) => { if (problem.fatal && this.player === player) this.silent(); });
      player.on(Hls.Events.MANIFEST_PARSED, () => this.video.play().catch(() => {}));
      player.loadSource(address);
      player.attachMedia(this.video);
    } else if (this.video.canPlayType("application/vnd.apple.mpegurl")) {
      this.video.src = address;
      this.video.play().catch(() => {});
    } else { clearTimeout(this.due); this.say("silent", t("video_unsupported")); }
  }

  /** WHEP: our offer to the address, the camera's answer back. */
  async askWebRtc(address) {
    const link = this.player = new RTCPeerConnection();
    link.addTransceiver("video", { direction: "recvonly" });
    link.addEventListener("track", ({ streams, track }) => { this.video.srcObject = streams[0] ?? new MediaStream([track]); this.video.play().catch(() => {}); });
    link.addEventListener("connectionstatechange", () => { if (link.connectionState === "failed" && this.player === link) this.silent(); });
    await link.setLocalDescription(await link.createOffer());
    const answer = await fetch(address, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: link.localDescription.sdp });
    if (!answer.ok) throw new Error(String(answer.status));
    await link.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  }
}

for (const element of $$("#wall .tile")) new Tile(element);
$("#wall-full")?.addEventListener("click", () => ($("#wall") ?? document.body).requestFullscreen?.());
$("#v-station")?.addEventListener("change", (event) => event.target.form.submit());
