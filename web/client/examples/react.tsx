// A React page that runs Python: the whole of src/main.tsx in a project of Vite.

import { Coderun } from "@coderun/client";
import { useExecution } from "@coderun/client/react";
import { type KeyboardEvent, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

const client = new Coderun({
  baseUrl: location.origin, // Vite passes /api on to the service: see its `server.proxy`.
  // With Firebase: ({ forceRefresh }) => auth.currentUser!.getIdToken(forceRefresh)
  getToken: ({ forceRefresh }) => {
    if (forceRefresh) localStorage.removeItem("token");
    return (localStorage["token"] ??= prompt("Paste what `coderun token` prints") ?? "");
  },
});

const GREETING = 'name = input("Your name? ")\nprint(f"Hello {name}!")';

function Playground() {
  const [code, setCode] = useState(GREETING);
  const program = useExecution(client);
  const run = () => program.run({ language: "python", code, interactive: true });
  const type = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== "Enter") return;
    program.send(event.currentTarget.value + "\n");
    event.currentTarget.value = "";
  };
  return (
    <main>
      <textarea rows={8} cols={60} value={code} onChange={(event) => setCode(event.target.value)} />
      <p>
        <button onClick={run} disabled={program.isActive}>Run</button>{" "}
        <button onClick={program.cancel} disabled={!program.isActive}>Stop</button> {program.status}
      </p>
      <pre role="log">{program.output}</pre>
      <pre role="alert">{program.failure?.message ?? program.errorOutput}</pre>
      {program.isAwaitingInput && <input autoFocus placeholder="Input, then Enter" onKeyDown={type} />}
      <p>{program.record?.verdict} {program.record?.hint}</p>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(<StrictMode><Playground /></StrictMode>);
