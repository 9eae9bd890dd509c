// The dialog that makes an avatar from a photo: a file or a snapshot, consent, progress, and what is wrong with a bad one.
import { Refused, deviceError } from "./sentences.js";

const SNAP_QUALITY = 0.95;

/** made(avatar) is called with the new avatar. */
export class PhotoDialog {
  #dialog;
  #server;
  #parts;
  #photo = null; // a Blob
  #camera = null; // a MediaStream
  #working = null; // an AbortController
  #limit = Infinity;

  constructor(dialog, server, made) {
    this.#dialog = dialog;
    this.#server = server;
    const parts = (this.#parts = Object.fromEntries([...dialog.querySelectorAll("[data-photo]")].map((part) => [part.dataset.photo, part])));
    parts.choose.onclick = () => parts.file.click();
    parts.file.onchange = () => parts.file.files[0] && this.take(parts.file.files[0]);
    parts.snap.onclick = () => (this.#camera ? this.#snap() : this.#look());
    parts.consent.onchange = () => this.#update();
    parts.close.onclick = () => dialog.close();
    parts.create.onclick = () => this.#create(made);
    dialog.querySelector("form").onsubmit = (event) => event.preventDefault(); // Enter in the name is no Cancel
    dialog.onclose = () => this.#reset();
    dialog.ondragover = (event) => event.preventDefault();
  }

  /** bytes: the largest photo that the server takes. */
  open(bytes) {
    this.#limit = bytes;
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** A photo, from a file or dropped. */
  take(photo) {
    this.#endCamera();
    if (photo.size > this.#limit) return this.#note(`That photo is larger than the ${this.#limit >> 20} MiB that are taken here: choose a smaller one.`, true);
    this.#photo = photo;
    const { picture, choose, name, file } = this.#parts;
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(photo);
    picture.hidden = false;
    choose.textContent = "Choose another photo";
    if (!name.value && photo.name) name.value = photo.name.replace(/\.[^.]*$/, "").replace(/[_-]+/g, " ").slice(0, name.maxLength);
    file.value = "";
    this.#note("");
    this.#update();
  }

  async #look() {
    try {
      this.#camera = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 1280 } } });
    } catch (error) {
      return this.#note((navigator.mediaDevices ? deviceError(error, "camera") : new Refused("This browser gives no camera to this page.")).message, true);
    }
    const { camera, picture, snap } = this.#parts;
    camera.srcObject = this.#camera;
    camera.hidden = false;
    picture.hidden = true;
    snap.textContent = "Take the picture";
  }

  #snap() {
    const { camera, name } = this.#parts;
    const canvas = Object.assign(document.createElement("canvas"), { width: camera.videoWidth, height: camera.videoHeight });
    canvas.getContext("2d").drawImage(camera, 0, 0);
    canvas.toBlob((photo) => this.take(new File([photo], name.value || "Me", { type: photo.type })), "image/jpeg", SNAP_QUALITY);
  }

  async #create(made) {
    const { progress, name } = this.#parts;
    this.#working = new AbortController();
    this.#update();
    progress.hidden = false;
    progress.removeAttribute("value");
    this.#note("Sending the photo…");
    try {
      const photo = new File([this.#photo], name.value.trim() || "Me");
      const tell = ({ stage, share }) => {
        progress.value = share;
        this.#note(`${stage[0].toUpperCase()}${stage.slice(1)}…`);
      };
      const avatar = await this.#server.follow("visit/photo", photo, { "X-Consent": "yes" }, tell, this.#working.signal);
      this.#dialog.close();
      made(avatar);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#note(error.message, true);
    } finally {
      progress.hidden = true;
      this.#working = null;
      this.#update();
    }
  }

  #update() {
    this.#parts.create.disabled = !this.#photo || !this.#parts.consent.checked || this.#working !== null;
    this.#parts.choose.disabled = this.#parts.snap.disabled = this.#working !== null;
  }

  #reset() {
    this.#working?.abort();
    this.#endCamera();
    const { picture, choose, name, consent } = this.#parts;
    URL.revokeObjectURL(picture.src);
    picture.hidden = true;
    this.#photo = null;
    choose.textContent = "Choose a photo, or drop one here";
    name.value = "";
    consent.checked = false;
    this.#note("");
    this.#update();
  }

  #endCamera() {
    this.#camera?.getTracks().forEach((track) => track.stop());
    this.#camera = null;
    this.#parts.camera.hidden = true;
    this.#parts.camera.srcObject = null;
    this.#parts.snap.textContent = "Use the camera";
  }

  #note(sentence, fault = false) {
    this.#parts.note.textContent = sentence;
    this.#parts.note.classList.toggle("fault", fault);
  }
}
