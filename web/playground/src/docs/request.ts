// Makes the request of an operation, and shows its answer for people.

import type { Operation } from "./operation";

/** The address of a request and what else it has. Values that are empty are left out. */
export function requestOf(
  { method, path, parameters, body: example }: Operation,
  values: Readonly<Record<string, string>>,
  body: string,
  token: string | undefined,
): { url: string; init: RequestInit } {
  const headers = new Headers();
  const query = new URLSearchParams();
  let url = path;
  for (const { name, place } of parameters) {
    const value = values[name] ?? "";
    if (place === "path") url = url.replace(`{${name}}`, () => encodeURIComponent(value));
    else if (value !== "" && place === "query") query.set(name, value);
    else if (value !== "") headers.set(name, value);
  }
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  if (example !== undefined) headers.set("Content-Type", "application/json");
  return {
    url: query.size === 0 ? url : `${url}?${query}`,
    init: { method, headers, ...(example === undefined ? {} : { body }) },
  };
}

/** JSON over several lines; other text as it is, and JSON that is cut. */
export function formatted(text: string, type: string | null): string {
  if (!/[/+]json\b/.test(type ?? "")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The id of the execution that an answer is about: of a batch, that of the first. */
export function idIn(text: string): string | undefined {
  try {
    const { execution_id, executions } = JSON.parse(text);
    const id: unknown = execution_id ?? executions?.[0]?.execution_id;
    return typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}
