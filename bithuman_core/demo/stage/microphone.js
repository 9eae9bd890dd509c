// The visitor's microphone. It outlives a connection that breaks.
import { Level } from "./level.js";
import { Refused, SENTENCES, deviceError } from "./sentences.js";

/** show(0..1) is called with its level; lost() where it is unplugged. */
export class Microphone {
  #stream = null;
  #level = null;

  constructor(show, lost) {
    this.show = show;
    this.lost = lost;
    const echoCancellation = new URLSearchParams(location.search).get("echo") !== "off";
    this.constraints = { echoCancellation, noiseSuppression: echoCancellation, autoGainControl: echoCancellation, channelCount: 1 };
  }

  /** The track, or null while it is closed. */
  get track() {
    return this.#stream?.getAudioTracks()[0] ?? null;
  }

  /** Ask for it, where it is not open yet. Throws Refused. */
  async open() {
    if (this.#stream) return;
    if (!window.isSecureContext) throw new Refused(SENTENCES.insecure);
    if (!navigator.mediaDevices) throw new Refused(SENTENCES.unsupported);
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: this.constraints, video: false });
    } catch (error) {
      throw deviceError(error, "microphone");
    }
    this.track.onended = this.lost;
    this.#level = new Level(this.#stream, this.show);
  }

  close() {
    this.#level?.stop();
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#level = this.#stream = null;
    this.show(0);
  }
}
