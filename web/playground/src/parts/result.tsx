// Shows what the program does: its state, its console, and how it ended.

import { useEffect, useRef } from "preact/hooks";

import { Console, type ConsoleLink, CONSOLE_CSS } from "@coderun/client/console";

import type { Run } from "../model/run";
import { Details } from "./details";
import { Explanation } from "./explanation";
import { State } from "./state";

interface Props {
  run: Run;
  findLinks: (line: string) => readonly ConsoleLink[];
  saveOutput: () => void;
}

export function Result({ run, findLinks, saveOutput }: Props) {
  return (
    <section class="pane result" aria-label="Result">
      <State run={run} />
      <Explanation run={run} />
      <div class="console-frame">
        <ConsoleView run={run} findLinks={findLinks} />
        {run.phase.value === "idle" && (
          <p class="welcome">
            <span>Press Run, or Ctrl+Enter.</span>
            <span>What the program writes appears here, and here you type when it asks.</span>
          </p>
        )}
      </div>
      <Details run={run} saveOutput={saveOutput} />
    </section>
  );
}

function ConsoleView({ run, findLinks }: Pick<Props, "run" | "findLinks">) {
  const container = useRef<HTMLDivElement>(null);
  const links = useRef(findLinks);
  links.current = findLinks;
  useEffect(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CONSOLE_CSS);
    document.adoptedStyleSheets.push(sheet);
    const element = container.current as HTMLElement;
    const console = new Console(element, {
      onLine: (line) => run.sendLine(line),
      onEnd: () => run.endInput(),
      onInterrupt: () => void run.stop(),
      findLinks: (line) => links.current(line),
    });
    run.console = {
      write: (stream, text) => console.write(stream, text),
      clear: () => console.clear(),
      setInput: (state) => console.setInput(state),
      focus: () => console.focus(),
      hasFocus: () => element.matches(":focus-within"),
    };
  }, [run]);
  return <div ref={container} />;
}
