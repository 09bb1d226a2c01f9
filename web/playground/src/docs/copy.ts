// Adds a button to each command line that copies it, and the address by which the service is reached from here.

const SHOWN_MS = 2_000;

/** What the service writes, which does not know that address. */
const WRITTEN_ADDRESS = "http://127.0.0.1:8001";

/** Completes the `curl` lines of a page. */
export function offerCopies(page: Document): void {
  const address = new URL(".", page.baseURI).href.replace(/\/$/, "");
  for (const line of page.querySelectorAll("pre")) {
    const text = line.textContent ?? "";
    if (!/^\s*curl\s/.test(text)) continue;
    line.textContent = text.replace(WRITTEN_ADDRESS, () => address);
    line.after(copyButton(line));
  }
}

function copyButton(line: HTMLElement): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button small copy";
  button.textContent = "Copy";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => {
    void copy(line).then((words) => {
      button.textContent = words;
      setTimeout(() => (button.textContent = "Copy"), SHOWN_MS);
    });
  });
  return button;
}

/** Copies the text, or selects it where the browser lets nobody copy. */
async function copy(line: HTMLElement): Promise<string> {
  try {
    await navigator.clipboard.writeText((line.textContent ?? "").trim());
    return "Copied";
  } catch {
    getSelection()?.selectAllChildren(line);
    return "Selected";
  }
}
