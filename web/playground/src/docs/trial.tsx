// Offers to send the request of each operation, with the user's token, and shows the answer.

import { type Signal, signal, useSignal } from "@preact/signals";
import { render } from "preact";
import { useId, useMemo } from "preact/hooks";

import type { Session } from "../model/session";
import { type Answer, Exchange } from "./exchange";
import type { Operation, Parameter } from "./operation";
import { idIn } from "./request";

interface Props {
  operation: Operation;
  session: Session;
  /** The id of the last submission, which the other operations begin with. */
  lastId: Signal<string>;
}

/** Adds a trial to the section of each operation that has one. */
export function offerTrials(session: Session, operationIn: (section: HTMLElement) => Operation | undefined): void {
  const lastId = signal("");
  for (const section of document.querySelectorAll<HTMLElement>("section.operation")) {
    const operation = operationIn(section);
    if (!operation) continue;
    const place = document.createElement("div");
    place.className = "trial";
    // Behind the words, because the tables are long.
    ([...section.querySelectorAll(":scope > p")].at(-1) ?? section.lastElementChild)?.after(place);
    render(<Trial operation={operation} session={session} lastId={lastId} />, place);
  }
}

function Trial({ operation, session, lastId }: Props) {
  const isOpen = useSignal(false);
  const typed = useSignal<Readonly<Record<string, string>>>({});
  const body = useSignal(operation.body ?? "");
  const exchange = useMemo(() => new Exchange(session, operation), []);
  const valueOf = ({ name }: Parameter) => typed.value[name] ?? (name === "id" ? lastId.value : "");

  const send = async () => {
    const values = Object.fromEntries(operation.parameters.map((parameter) => [parameter.name, valueOf(parameter)]));
    const text = await exchange.send(values, body.peek());
    // A list or a deletion leaves the id as it is.
    if (text !== undefined && operation.method === "POST") lastId.value = idIn(text) ?? lastId.peek();
  };
  const open = () => {
    isOpen.value = !isOpen.peek();
    if (isOpen.peek() && isHarmless(operation) && canSend(session, operation, valueOf)) void send();
  };

  return (
    <>
      <button type="button" class="button small" aria-expanded={isOpen.value} onClick={open}>
        Try
      </button>
      {isOpen.value && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          {operation.parameters.map((parameter) => (
            <ParameterField
              key={parameter.name}
              parameter={parameter}
              value={valueOf(parameter)}
              onInput={(value) => (typed.value = { ...typed.peek(), [parameter.name]: value })}
            />
          ))}
          {operation.body !== undefined && <BodyField body={body} />}
          <Buttons exchange={exchange} operation={operation} session={session} />
          <AnswerView exchange={exchange} />
        </form>
      )}
    </>
  );
}

/** Whether the request may be sent by the click that opens the trial. */
function isHarmless({ method, body }: Operation): boolean {
  return method === "GET" || body !== undefined;
}

function canSend(
  session: Session,
  { parameters, needsToken }: Operation,
  valueOf: (parameter: Parameter) => string,
): boolean {
  if (needsToken && session.state.peek() === "signed-out") return false;
  return parameters.every((parameter) => !parameter.isRequired || valueOf(parameter) !== "");
}

interface ParameterProps {
  parameter: Parameter;
  value: string;
  onInput: (value: string) => void;
}

function ParameterField({ parameter, value, onInput }: ParameterProps) {
  const id = useId();
  const { name, place, isRequired, description } = parameter;
  return (
    <div class="form-field">
      <label for={id}>
        <code>{name}</code> {place === "header" ? "header" : isRequired ? "" : "optional"}
      </label>
      <input
        id={id}
        class="control"
        value={value}
        required={isRequired}
        autocomplete="off"
        spellcheck={false}
        title={description}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    </div>
  );
}

function BodyField({ body }: { body: Signal<string> }) {
  const id = useId();
  return (
    <div class="form-field body">
      <label for={id}>Body</label>
      <textarea
        id={id}
        class="control"
        rows={Math.min(16, body.value.split("\n").length + 1)}
        spellcheck={false}
        value={body.value}
        onInput={({ currentTarget }) => (body.value = currentTarget.value)}
      />
    </div>
  );
}

function Buttons({ exchange, operation, session }: { exchange: Exchange; operation: Operation; session: Session }) {
  const isSignedOut = operation.needsToken && session.state.value === "signed-out";
  return (
    <p class="trial-buttons">
      <button
        type="submit"
        class={operation.method === "DELETE" ? "button stop" : "button primary"}
        disabled={isSignedOut || exchange.isBusy.value}
      >
        {exchange.isBusy.value ? "Sending" : `Send ${operation.method}`}
      </button>
      {exchange.isBusy.value && (
        <button type="button" class="button" onClick={() => exchange.stop()}>
          Stop
        </button>
      )}
      {isSignedOut && (
        <span>
          Sign in on the <a href="./">page</a> first, then come back in the same tab.
        </span>
      )}
    </p>
  );
}

function AnswerView({ exchange }: { exchange: Exchange }) {
  const answer = exchange.answer.value;
  return (
    <>
      <p class="failure" role="alert">
        {exchange.failure.value}
      </p>
      <p class={answer && answer.status >= 400 ? "outcome bad" : "outcome"} role="status">
        {answer && outcome(answer)}
      </p>
      {answer && answer.text !== "" && (
        <pre class="answer" tabIndex={0} aria-label="Answer">
          {answer.text}
        </pre>
      )}
    </>
  );
}

function outcome({ status, statusText, milliseconds, text, isPart }: Answer): string {
  const size = `${text.length} characters${isPart ? " so far" : ""}`;
  const facts = [`${status} ${statusText}`.trim(), `${Math.round(milliseconds)} ms`, text === "" ? "no body" : size];
  return facts.join(" · ");
}
