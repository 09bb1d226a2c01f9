// Adds a button to each command line that copies it.

const SHOWN_MS = 2_000;

/** Adds the buttons to the `curl` lines of a page. */
export function offerCopies(page: ParentNode): void {
  for (const line of page.querySelectorAll("pre")) {
    if (/^\s*curl\s/.test(line.textContent ?? "")) line.after(copyButton(line));
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
