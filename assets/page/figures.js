// What the browser measured of the arriving picture since the last look.

/** Keeps the last report of a call; read() gives {fps, delay} (delay in ms, null while unknown). */
export class Figures {
  #last = null;
  serverMs = null; // the server's own share: from its network card in to its network card out
  fresh = 1; // the part of the pictures that are new ones: a server that is too slow repeats some

  async read(call) {
    const report = await call.stats();
    if (!report) return null;
    let video = null;
    let pair = null;
    for (const stat of report.values()) {
      if (stat.type === "inbound-rtp" && stat.kind === "video") video = stat;
      if (stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded") pair = stat;
    }
    const last = this.#last;
    this.#last = video;
    if (!video || !last) return null;
    const seconds = (video.timestamp - last.timestamp) / 1000;
    const frames = video.framesDecoded - last.framesDecoded;
    if (seconds <= 0 || frames <= 0) return { fps: 0, delay: null };
    const share = (name) => (1000 * (video[name] - last[name])) / frames;
    // totalProcessingDelay runs from the first packet of a frame to its decoded picture, the wait in the jitter buffer included.
    const here = share("totalProcessingDelay") || share("jitterBufferDelay");
    const way = 1000 * (pair?.currentRoundTripTime ?? 0);
    return { fps: (frames / seconds) * this.fresh, delay: this.serverMs === null ? null : this.serverMs + way + here };
  }
}
