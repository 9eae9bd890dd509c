// How the avatar behaves while it is live: emotion, gestures, stillness.

const EMOTIONS = { neutral: "Neutral", joy: "Joy", surprise: "Surprise", sadness: "Sadness", anger: "Anger", fear: "Fear", disgust: "Disgust" };

const titled = (name) => name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");

/** send(message) tells the server. */
export class Manner {
  constructor(parts, send) {
    this.parts = parts;
    this.send = send;
    parts.emotions.append(...Object.entries(EMOTIONS).map(([emotion, name]) => this.#emotion(emotion, name)));
    parts.stillness.oninput = () => send({ type: "stillness", stillness: Number(parts.stillness.value) });
  }

  /** The gestures that this avatar knows. */
  show({ gestures }) {
    this.parts.gestures.replaceChildren(
      ...gestures.map((gesture) => {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "chip", textContent: titled(gesture) });
        button.onclick = () => this.send({ type: "gesture", gesture });
        return button;
      }),
    );
  }

  set live(live) {
    this.parts.levers.disabled = !live;
  }

  #emotion(emotion, name) {
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "emotion", value: emotion, checked: emotion === "neutral" });
    radio.onchange = () => this.send({ type: "emotion", emotion });
    const label = Object.assign(document.createElement("label"), { className: "chip" });
    label.append(radio, name);
    return label;
  }
}
