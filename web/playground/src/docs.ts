// Makes the page of the API try its operations: the HTML comes from the service, and works without this.

import { Session } from "./model/session";
import { offerCopies } from "./docs/copy";
import { operationOf } from "./docs/operation";
import { offerTrials } from "./docs/trial";
import "./model/theme";
import "./style/docs.css";

async function begin(): Promise<void> {
  offerCopies(document);
  // A long line scrolls by the keyboard, too.
  for (const text of document.querySelectorAll("pre")) text.tabIndex = 0;
  const response = await fetch("openapi.json");
  if (!response.ok) return;
  const specification: unknown = await response.json();
  const session = new Session();
  offerTrials(session, (section) =>
    operationOf(specification, section.dataset["method"] ?? "", section.dataset["path"] ?? ""),
  );
  await session.begin();
}

void begin();
