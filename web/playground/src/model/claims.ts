// Reads whom a token names. The service alone decides whether it is good.

/** The name of the user for people, if the token tells one. */
export function nameInToken(token: string): string | undefined {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (unit) => unit.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return [claims["name"], claims["email"], claims["sub"]].find(
      (claim) => typeof claim === "string" && claim !== "",
    ) as string | undefined;
  } catch {
    return undefined;
  }
}
