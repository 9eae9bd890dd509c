// The picture: the avatar idling before a visit, live during it; the caption; the buttons in its corner.

export class Picture {
  #root;
  #figure;
  #live;
  #still;
  #idle;
  #parts;

  constructor(root, parts) {
    this.#root = root;
    this.#parts = parts;
    this.#figure = parts.figure;
    [this.#live, this.#still, this.#idle] = ["video.live", "img.still", "video.idle"].map((selector) => root.querySelector(selector));
    this.#takeShape(this.#still.getAttribute("width"), this.#still.getAttribute("height"));
    this.#idle.oncanplay = () => (this.#idle.hidden = false);
    parts.voice.onclick = () => this.mute(!this.#live.muted);
    parts.full.onclick = () => (document.fullscreenElement ? document.exitFullscreen() : this.#enlarge());
    parts.pip.onclick = () => (document.pictureInPictureElement ? document.exitPictureInPicture() : this.#live.requestPictureInPicture());
    parts.pip.hidden = !document.pictureInPictureEnabled;
    parts.full.hidden = !document.fullscreenEnabled && !this.#live.webkitEnterFullscreen;
  }

  /** Show how this avatar looks; one that is live goes over by itself. */
  show({ key, name, size: [width, height] }) {
    this.#takeShape(width, height);
    const still = `avatars/${key}/still.webp`;
    this.#idle.hidden = true;
    if (!this.#still.src.endsWith(still)) this.#still.src = still;
    this.#still.alt = `A picture of ${name}, waiting.`;
    this.#live.setAttribute("aria-label", `${name}, live`);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.#idle.src = `avatars/${key}/idle.mp4`;
    this.#idle.play().catch(() => {}); // a browser that saves power shows the still
  }

  /** Play a stream; returns when its first picture is on screen. */
  async play(stream) {
    const playing = new Promise((resolve) => (this.#live.onplaying = resolve));
    this.#live.srcObject = stream;
    this.#live.play().catch(({ name }) => {
      if (name !== "NotAllowedError") return; // it plays all the same: the element has autoplay
      this.mute(true); // a browser that lets nothing be heard without a click: the button in the corner is one
      this.#live.play().catch(() => {});
    });
    await playing;
  }

  /** Whether the live picture is the one to be seen. */
  set live(live) {
    this.#live.hidden = !live;
    if (live) this.#idle.pause();
    else if (this.#live.srcObject) {
      this.#live.srcObject = null;
      this.mute(false);
      if (document.pictureInPictureElement) document.exitPictureInPicture();
      if (this.#idle.src) this.#idle.play().catch(() => {});
    }
    this.#parts.voice.disabled = this.#parts.pip.disabled = !live;
  }

  /** A word about what the avatar does, or null. */
  caption(word) {
    this.#parts.caption.hidden = !word;
    this.#parts.caption.textContent = word ?? "";
    this.#parts.caption.dataset.word = word ?? "";
  }

  mute(muted) {
    this.#live.muted = muted;
    const button = this.#parts.voice;
    button.ariaPressed = String(muted);
    button.ariaLabel = button.title = muted ? "Unmute the avatar" : "Mute the avatar";
  }

  #takeShape(width, height) {
    this.#root.style.setProperty("--shape", width / height);
  }

  #enlarge() {
    if (this.#figure.requestFullscreen) this.#figure.requestFullscreen();
    else this.#live.webkitEnterFullscreen(); // iPhones
  }
}
