// Replaces a selection by what is typed in place of it. The browser would keep the style of what was selected, as attributes of
// elements, which the policy of the page forbids and reports.

import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

export const typedText: Extension = EditorView.domEventHandlers({
  beforeinput({ data, inputType }, view) {
    const { main, ranges } = view.state.selection;
    if (inputType !== "insertText" || data === null || main.empty || ranges.length > 1 || view.composing) return false;
    const insert = () =>
      view.state.update(view.state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    // Such as brackets that are put around the selection.
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some((handle) => handle(view, main.from, main.to, data, insert))) view.dispatch(insert());
    return true;
  },
});
