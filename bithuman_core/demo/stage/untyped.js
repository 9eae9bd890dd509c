// Files whose kind the browser does not know (HEIC on most machines) reach the photo panel: the server looks at their content.

const UNKNOWN = "image/x-unknown"; // Gradio turns away from a picture's place what does not say that it is one

/** Give files that are dropped on the photo panel a kind where they have none. */
export function takeUntypedFiles(root = document) {
  root.addEventListener("drop", (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!event.target.closest?.("#photo") || !files.some(({ type }) => !type)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const named = new DataTransfer();
    for (const file of files) named.items.add(file.type ? file : new File([file], file.name, { type: UNKNOWN }));
    event.target.dispatchEvent(new DragEvent("drop", { dataTransfer: named, bubbles: true, cancelable: true }));
  }, true);
}
