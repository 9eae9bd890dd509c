// One connection: the visitor's sound goes to the server, the avatar comes back on one stream (so that the browser keeps lips and voice together).
import { Refused, SENTENCES } from "./sentences.js";

const CONNECT_MS = 12000; // longest wait for the first picture
const ANSWERED_MS = 4000; // of it at least after a late answer
const UNSTABLE_MS = 6000; // how long a broken path may take to heal
const UNAUTHORIZED = 401; // a relay's word to wrong credentials
const GATHER_MS = 1500; // longest wait for the browser's own candidates, where they all go with the offer
const LOOK_MS = 250; // between two looks whether the server still sends
const HERE_MS = 2000; // a page without a microphone would otherwise be silent, and count as gone

/** Events: "live" (connected), "message" ({type, data} from the server), "unstable", "stable", "ended" ({sentence, lost}). */
export class Call extends EventTarget {
  #pc = null;
  #channel = null;
  #sender = null;
  #timer = 0;
  #beat = 0;
  #ended = false;
  #live = false; // was connected once
  #noPath = SENTENCES.noPath;
  #look = 0;

  /** server: get(path), post(path, body), hangUp(id). trickle: candidates go one by one; false: all of them with the offer.
   *  silence: ms without a packet after which the server counts as dead, where another one takes over; 0: not looked at. */
  constructor(server, { trickle = true, silence = 0 } = {}) {
    super();
    this.server = server;
    this.trickle = trickle;
    this.silence = silence;
    this.id = [...crypto.getRandomValues(new Uint32Array(4))].map((word) => word.toString(36).padStart(7, "0")).join("");
    this.stream = new MediaStream();
  }

  /** Connect to the server; track: the microphone's, or null. Throws Refused. */
  async connect(track) {
    if (!window.RTCPeerConnection) throw new Refused(SENTENCES.unsupported);
    const began = performance.now();
    const { relay, ...configuration } = await this.server.get("rtc-config");
    if (relay === "ready") this.#noPath = SENTENCES.noPathWithRelay;
    if (this.#ended) return;
    const pc = (this.#pc = new RTCPeerConnection(configuration));
    pc.ontrack = (event) => this.stream.addTrack(event.track);
    pc.onicecandidateerror = ({ errorCode }) => {
      if (errorCode === UNAUTHORIZED) this.#noPath = SENTENCES.relayRefused; // which matters only where no other way is found
    };
    pc.onconnectionstatechange = () => this.#follow(pc.connectionState);
    const channel = (this.#channel = pc.createDataChannel("text")); // before the offer: the server waits for it
    channel.onmessage = ({ data }) => this.#emit("message", JSON.parse(data));
    channel.onclose = () => this.#end(SENTENCES.ended);
    pc.addTransceiver("video", { direction: "sendrecv" }); // no camera: the line only has to be there
    this.#sender = pc.addTransceiver("audio", { direction: "sendrecv" }).sender;
    if (track) await this.#sender.replaceTrack(track);

    let answered;
    const accepted = new Promise((resolve) => (answered = resolve));
    pc.onicecandidate = async ({ candidate }) => {
      if (!candidate?.candidate || !this.trickle) return;
      await accepted;
      if (!this.#ended) this.#offer({ type: "ice-candidate", candidate: candidate.toJSON() }).catch(() => {}); // others may do
    };
    await pc.setLocalDescription();
    if (!this.trickle) await gathered(pc);
    if (this.#ended) return;
    const answer = await this.#offer({ type: "offer", sdp: pc.localDescription.sdp });
    if (this.#ended) return;
    if (answer.status === "failed") throw new Refused(`The server refused the visit (${answer.meta?.error}). Press Start again.`, { again: true });
    await pc.setRemoteDescription(answer);
    answered();
    const patience = Math.max(CONNECT_MS - (performance.now() - began), ANSWERED_MS);
    this.#timer = setTimeout(() => this.#end(pc.connectionState === "connected" ? SENTENCES.silentServer : this.#noPath), patience);
    this.#beat = setInterval(() => this.send({ type: "here" }), HERE_MS);
  }

  /** Another microphone track, or null for none. */
  async setTrack(track) {
    await this.#sender?.replaceTrack(track);
  }

  /** Tell the server something; lost where nothing is connected. */
  send(message) {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(message));
  }

  /** The first picture is on screen. */
  arrived() {
    clearTimeout(this.#timer);
    if (this.silence && !this.#look && !this.#ended) this.#watch();
  }

  /** The statistics of the connection, an RTCStatsReport, or null before there is one. */
  stats() {
    return this.#pc ? this.#pc.getStats() : null;
  }

  /** Hang up. */
  close() {
    this.#end(null);
  }

  #follow(state) {
    if (state === "connected") {
      this.#emit(this.#live ? "stable" : "live");
      this.#live = true;
    } else if (state === "disconnected") {
      this.#emit("unstable");
      this.#timer = setTimeout(() => this.#pc.connectionState !== "connected" && this.#end(SENTENCES.lost, true), UNSTABLE_MS);
    } else if (state === "failed") this.#end(this.#live ? SENTENCES.lost : this.#noPath, this.#live);
    else if (state === "closed") this.#end(SENTENCES.ended);
  }

  // A server that dies says nothing more, and the browser takes six seconds and longer to find out.
  #watch() {
    let [packets, since] = [-1, performance.now()];
    this.#look = setInterval(async () => {
      let now = 0;
      const reports = await this.#pc.getStats();
      if (this.#ended) return;
      for (const report of reports.values()) if (report.type === "inbound-rtp") now += report.packetsReceived;
      if (now !== packets) [packets, since] = [now, performance.now()];
      else if (performance.now() - since > this.silence) this.#end(SENTENCES.lost, true);
    }, LOOK_MS);
  }

  #offer(body) {
    return this.server.post("webrtc/offer", { ...body, webrtc_id: this.id });
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #end(sentence, lost = false) {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    clearInterval(this.#beat);
    clearInterval(this.#look);
    this.#pc?.close();
    if (!lost) this.server.hangUp(this.id); // frees the place at once, also where no path was found
    this.#emit("ended", { sentence, lost });
  }
}

// The browser has found its candidates; a relay or STUN server that does not answer is not waited for.
const gathered = (pc) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHER_MS);
    const look = () => {
      if (pc.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      resolve();
    };
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
