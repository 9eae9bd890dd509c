// One visit: the microphone goes to the server, the avatar comes back on one stream (so that the browser keeps lips and voice together).
import { Refused, SENTENCES, microphoneError, refusal } from "./sentences.js";

const CONNECT_MS = 15000; // longest wait for the first picture
const UNSTABLE_MS = 6000; // how long a broken path may take to heal

/** Events: "live" (first picture can play), "message" ({type, data} from the server), "unstable", "stable", "ended" (detail: sentence or null). */
export class Call extends EventTarget {
  #pc = null;
  #timer = 0;
  #ended = false;
  #live = false; // was connected once

  constructor({ echoCancellation = true } = {}) {
    super();
    this.id = [...crypto.getRandomValues(new Uint32Array(4))].map((word) => word.toString(36)).join(""); // known to the server and to us only
    this.microphone = null;
    this.stream = new MediaStream();
    this.constraints = { echoCancellation, noiseSuppression: echoCancellation, autoGainControl: echoCancellation, channelCount: 1 };
  }

  /** Ask for the microphone. Throws Refused. */
  async open() {
    if (!window.isSecureContext) throw new Refused(SENTENCES.insecure);
    if (!window.RTCPeerConnection || !navigator.mediaDevices) throw new Refused(SENTENCES.unsupported);
    try {
      this.microphone = await navigator.mediaDevices.getUserMedia({ audio: this.constraints, video: false });
    } catch (error) {
      throw microphoneError(error);
    }
    if (this.#ended) return this.#release();
    this.microphone.getAudioTracks()[0].onended = () => this.#end(SENTENCES.unplugged);
  }

  /** Connect to the server. Throws Refused. */
  async connect() {
    const configuration = await this.#fetch("rtc-config");
    if (this.#ended) return;
    const pc = (this.#pc = new RTCPeerConnection(configuration));
    addEventListener("pagehide", this.#leave);
    pc.ontrack = ({ track }) => this.stream.addTrack(track);
    pc.onconnectionstatechange = () => this.#follow(pc.connectionState);
    const channel = pc.createDataChannel("text"); // before the offer: the server waits for it
    channel.onmessage = ({ data }) => this.#emit("message", JSON.parse(data));
    channel.onclose = () => this.#end(SENTENCES.ended);
    pc.addTransceiver("video", { direction: "sendrecv" }); // no camera: the line only has to be there
    for (const track of this.microphone.getAudioTracks()) pc.addTrack(track, this.microphone);

    let answered;
    const accepted = new Promise((resolve) => (answered = resolve));
    pc.onicecandidate = async ({ candidate }) => {
      if (!candidate?.candidate) return;
      await accepted;
      if (!this.#ended) this.#offer({ type: "ice-candidate", candidate: candidate.toJSON() }).catch(() => {}); // others may do
    };
    await pc.setLocalDescription();
    const answer = await this.#offer({ type: "offer", sdp: pc.localDescription.sdp });
    if (this.#ended) return this.#leave(); // stopped while the server was making room
    if (answer.status === "failed") throw refusal(answer.meta?.error ?? "no reason given");
    await pc.setRemoteDescription(answer);
    answered();
    this.#timer = setTimeout(() => this.#end(pc.connectionState === "connected" ? SENTENCES.silentServer : SENTENCES.noPath), CONNECT_MS);
  }

  /** The first picture is on screen. */
  arrived() {
    clearTimeout(this.#timer);
  }

  /** The statistics of the connection, an RTCStatsReport, or null before there is one. */
  stats() {
    return this.#pc ? this.#pc.getStats() : null;
  }

  /** Hang up. */
  close() {
    this.#end(null);
  }

  // Frees the place at once, also where the tab is closed and where no path was found on which the server would hear of it.
  #leave = () => {
    this.#pc?.close();
    navigator.sendBeacon(`webrtc/leave?webrtc_id=${this.id}`);
  };

  #follow(state) {
    if (state === "connected") {
      this.#emit(this.#live ? "stable" : "live");
      this.#live = true;
    } else if (state === "disconnected") {
      this.#emit("unstable");
      this.#timer = setTimeout(() => this.#pc?.connectionState !== "connected" && this.#end(SENTENCES.lost), UNSTABLE_MS);
    } else if (state === "failed") this.#end(this.#live ? SENTENCES.lost : SENTENCES.noPath);
    else if (state === "closed") this.#end(SENTENCES.ended);
  }

  async #offer(body) {
    return this.#fetch("webrtc/offer", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...body, webrtc_id: this.id }) });
  }

  async #fetch(path, options) {
    let response;
    try {
      response = await fetch(path, options);
    } catch {
      throw new Refused(SENTENCES.unreachable);
    }
    if (!response.ok) throw new Refused(SENTENCES.unreachable);
    return response.json();
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #release() {
    this.microphone?.getTracks().forEach((track) => track.stop());
  }

  #end(sentence) {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    removeEventListener("pagehide", this.#leave);
    this.#release();
    if (this.#pc) this.#leave();
    this.#emit("ended", sentence);
  }
}
