// The avatars to choose from: those of the server, and the visitor's own, which can be saved and removed.

/** choose(avatar) and remove(avatar) are called where the visitor wants that. */
export class Cards {
  #avatars = [];

  constructor(list, { choose, remove }) {
    this.list = list;
    this.choose = choose;
    this.remove = remove;
  }

  /** Show these; ``key`` is the chosen one. */
  show(avatars, key) {
    this.#avatars = avatars;
    this.list.replaceChildren(...avatars.map((avatar) => this.#card(avatar, avatar.key === key)));
  }

  /** The chosen one. */
  mark(key) {
    for (const radio of this.list.querySelectorAll("input")) radio.checked = radio.value === key;
  }

  get avatars() {
    return this.#avatars;
  }

  #card(avatar, chosen) {
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "avatar", value: avatar.key, checked: chosen });
    radio.onchange = () => this.choose(avatar);
    const picture = Object.assign(new Image(96, 96), { src: `avatars/${avatar.key}/still.webp`, alt: "" });
    const name = Object.assign(document.createElement("span"), { textContent: avatar.name, className: "name" });
    const label = Object.assign(document.createElement("label"), { className: "card" });
    label.append(radio, picture, name);
    if (!avatar.own) return label;
    const card = Object.assign(document.createElement("div"), { className: "own-card" });
    const save = Object.assign(document.createElement("a"), { href: `avatars/${avatar.key}/file.imx`, download: "", textContent: "Download .imx" });
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "remove", textContent: "×", title: `Remove ${avatar.name}` });
    remove.ariaLabel = remove.title;
    remove.onclick = () => this.remove(avatar);
    card.append(label, save, remove);
    return card;
  }
}
