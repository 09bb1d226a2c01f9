// Defines `<coderun-snippet>` in a page that loads `embed.js` from a service: programs run on that service.

import { defineSnippet } from "@coderun/client/embed";

const address = import.meta.url;

defineSnippet({ baseUrl: new URL(".", address).href });
