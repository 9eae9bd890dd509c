// What the browser measured of the arriving picture and voice since the last look.

/** Keeps the last report of a call; read() gives {fps, delay, offset, cpu} (ms and shares of a core; null while unknown). */
export class CallStats {
  #last = null;
  #offsets = []; // of the last seconds
  server = null; // the server's own words: {server_ms: from its network card in to its network card out, fresh: the part of the pictures that are new, cpu}

  async read(call) {
    const report = await call.stats();
    if (!report) return null;
    const inbound = {};
    let pair = null;
    for (const stat of report.values()) {
      if (stat.type === "inbound-rtp") inbound[stat.kind] = stat;
      if (stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded") pair = stat;
    }
    const { video, audio } = inbound;
    const last = this.#last;
    this.#last = video;
    if (!video || !last) return null;
    const seconds = (video.timestamp - last.timestamp) / 1000;
    const frames = video.framesDecoded - last.framesDecoded;
    if (seconds <= 0 || frames <= 0) return { fps: 0, delay: null, offset: null, cpu: null };
    const share = (name) => (1000 * (video[name] - last[name])) / frames;
    // totalProcessingDelay runs from the first packet of a frame to its decoded picture, the wait in the jitter buffer included.
    const here = share("totalProcessingDelay") || share("jitterBufferDelay");
    const way = 1000 * (pair?.currentRoundTripTime ?? 0);
    const server = this.server;
    return {
      fps: (frames / seconds) * (server?.fresh ?? 1),
      delay: server ? server.server_ms + way + here : null,
      offset: this.#offset(video, audio),
      cpu: server?.cpu ?? null,
    };
  }

  // Both tell the sender's time of what they play just now: the picture's is older by as much as it comes after its sound.
  #offset(video, audio) {
    if (!video.estimatedPlayoutTimestamp || !audio?.estimatedPlayoutTimestamp) return null;
    this.#offsets = [...this.#offsets, audio.estimatedPlayoutTimestamp - video.estimatedPlayoutTimestamp].slice(-9);
    return [...this.#offsets].sort((a, b) => a - b)[this.#offsets.length >> 1];
  }
}

const SHOWN = {
  fps: ({ fps }) => fps.toFixed(1),
  delay: ({ delay }) => (delay ? `${Math.round(delay)} ms` : "–"),
  offset: ({ offset }) => (offset === null ? "–" : `${Math.round(offset)} ms`),
  cpu: ({ cpu }) => (cpu === null ? "–" : `${Math.round(100 * cpu)} % of a core`),
};

/** Show them where the page has a place for them that is open; none (null) when nothing is live. */
export async function showStats(stats, call) {
  const places = Object.keys(SHOWN).map((name) => [name, document.getElementById(`stat-${name}`)]);
  if (!places[0][1]?.checkVisibility() && stats) return;
  const read = stats && (await stats.read(call));
  for (const [name, place] of places) if (place) place.textContent = read ? SHOWN[name](read) : "–";
}
