// Reads from the OpenAPI document what a request of an operation needs.

export interface Parameter {
  readonly name: string;
  readonly place: "path" | "query" | "header";
  readonly isRequired: boolean;
  readonly description: string;
}

export interface Operation {
  /** In upper case. */
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The JSON that the document has as an example. */
  readonly body: string | undefined;
  readonly needsToken: boolean;
}

const PLACES: readonly unknown[] = ["path", "query", "header"] satisfies Parameter["place"][];

/** The operation of a path, unless it is none that a request can try, such as that of a WebSocket. */
export function operationOf(specification: unknown, method: string, path: string): Operation | undefined {
  const operation = at(specification, "paths", path, method.toLowerCase());
  const statuses = Object.keys((at(operation, "responses") as object | undefined) ?? {});
  if (!statuses.some((status) => status.startsWith("2"))) return undefined;
  const content = at(operation, "requestBody", "content", "application/json");
  const body =
    at(content, "example") ?? at(Object.values((at(content, "examples") as object | undefined) ?? {})[0], "value");
  return {
    method: method.toUpperCase(),
    path,
    parameters: list(at(operation, "parameters")).flatMap((parameter) =>
      parameterOf(resolved(specification, parameter)),
    ),
    body: body === undefined ? undefined : JSON.stringify(body, null, 2),
    needsToken: list(at(operation, "security") ?? at(specification, "security")).length > 0,
  };
}

function parameterOf(data: unknown): Parameter[] {
  const place = at(data, "in");
  if (!PLACES.includes(place)) return [];
  return [
    {
      name: String(at(data, "name")),
      place: place as Parameter["place"],
      isRequired: at(data, "required") === true,
      description: String(at(data, "description") ?? ""),
    },
  ];
}

/** What a `$ref` such as `#/components/parameters/id` names. */
function resolved(specification: unknown, data: unknown): unknown {
  const reference = at(data, "$ref");
  return typeof reference === "string" ? at(specification, ...reference.replace(/^#\//, "").split("/")) : data;
}

function at(data: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], data);
}

function list(data: unknown): unknown[] {
  return Array.isArray(data) ? data : [];
}
