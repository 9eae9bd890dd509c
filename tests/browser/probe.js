// Put into the page before its own scripts: records what the microphone heard, what came back and what was seen, on one clock.
(() => {
  const getUserMedia = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
  let microphone = null;
  if (getUserMedia)
    navigator.mediaDevices.getUserMedia = async (constraints) => (window.probeAsked = constraints, microphone = await getUserMedia(constraints));

  // RMS of every 10 ms, with the time of the context at its start.
  const WORKLET = `registerProcessor("rms", class extends AudioWorkletProcessor {
    sum = 0; count = 0; start = 0; rows = [];
    process([input]) {
      for (let i = 0; i < 128; i++) {
        if (!this.count) this.start = currentTime + i / sampleRate;
        const x = input[0] ? input[0][i] : 0;
        this.sum += x * x;
        if (++this.count === sampleRate / 100) { this.rows.push(this.start, Math.sqrt(this.sum / this.count)); this.sum = this.count = 0; }
      }
      if (this.rows.length >= 40) { this.port.postMessage(this.rows); this.rows = []; }
      return true;
    }
  })`;

  async function listen(context, stream) {
    const rows = [];
    const node = new AudioWorkletNode(context, "rms", { numberOfInputs: 1, numberOfOutputs: 1 });
    node.port.onmessage = ({ data }) => rows.push(...data);
    context.createMediaStreamSource(stream).connect(node).connect(context.destination);
    return rows;
  }

  async function videoStats(call) {
    const report = await call.getStats();
    const wanted = {};
    for (const stat of report.values())
      if (stat.type === "inbound-rtp") wanted[stat.kind] = stat;
    return wanted;
  }

  const Native = window.RTCPeerConnection;
  const told = [];
  if (Native)
    window.RTCPeerConnection = class extends Native {
      constructor(...args) {
        super(...args);
        window.probeCall = this;
      }
      createDataChannel(...args) {
        const channel = super.createDataChannel(...args);
        channel.addEventListener("message", ({ data }) => told.push(JSON.parse(data)));
        return channel;
      }
    };

  /** A small gray picture of the box, as base64. */
  function grayOf(canvas, video, [left, top, width, height], [columns, rows]) {
    const { videoWidth: w, videoHeight: h } = video;
    canvas.drawImage(video, left * w, top * h, width * w, height * h, 0, 0, columns, rows);
    const rgba = canvas.getImageData(0, 0, columns, rows).data;
    let text = "";
    for (let i = 0; i < rgba.length; i += 4) text += String.fromCharCode((2 * rgba[i] + 5 * rgba[i + 1] + rgba[i + 2]) >> 3);
    return btoa(text);
  }

  /**
   * Record for some seconds. box: [left, top, width, height] of the picture, 0..1; size: [columns, rows] of the gray samples.
   * Without a box only the times of the pictures are noted, which costs next to nothing. Where microphone.js speaks, its position
   * is noted in place of sound.
   */
  window.probe = async (seconds, box, size) => {
    const video = document.querySelector("avatar-stage video");
    const canvas = box && new OffscreenCanvas(...size).getContext("2d", { willReadFrequently: true });
    const speech = window.probeSpeech;
    const context = box && !speech ? new AudioContext({ sampleRate: 48000 }) : null;
    let heard = [], voice = [];
    if (context) {
      await context.resume();
      await context.audioWorklet.addModule(URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" })));
      if (microphone) heard = await listen(context, microphone);
      voice = await listen(context, video.srcObject);
    }
    const clocks = [], frames = [], gray = [];
    const before = await videoStats(window.probeCall);
    told.length = 0;
    const end = performance.now() + 1000 * seconds;
    await new Promise((resolve) => {
      const look = (now, { expectedDisplayTime, rtpTimestamp, width, height }) => {
        frames.push([expectedDisplayTime, rtpTimestamp, width, height]);
        if (box) {
          gray.push(grayOf(canvas, video, box, size));
          clocks.push([(speech ?? context).currentTime, performance.now()]);
        }
        if (now < end) video.requestVideoFrameCallback(look);
      };
      video.requestVideoFrameCallback(look);
      setTimeout(resolve, 1000 * seconds + 500); // also where no picture comes
    });
    const after = await videoStats(window.probeCall);
    await context?.close();
    return { heard, voice, clocks, frames, gray, before, after, told };
  };
})();
