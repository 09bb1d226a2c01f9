// Plays the parts of the Firebase Auth emulator that the page and the service use.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

interface Account {
  localId: string;
  email: string;
  password: string;
}

type Fields = Record<string, string>;

export const PROJECT = "demo-page";
const LIFETIME_SECONDS = 3_600;
/** The page has another origin. */
const HEADERS = {
  "content-type": "application/json",
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-allow-methods": "*",
};

class Refusal extends Error {}

export class AuthEmulator {
  /** The addresses to which messages with a link were sent. */
  readonly resets: string[] = [];
  private readonly accounts = new Map<string, Account>();
  private readonly server = createServer(async (request, response) => {
    const end = (status: number, data: unknown) => response.writeHead(status, HEADERS).end(JSON.stringify(data));
    if (request.method === "OPTIONS") return end(200, {});
    const body = await bodyOf(request);
    try {
      return end(200, this.answer(new URL(request.url ?? "/", "http://emulator").pathname, body));
    } catch (error) {
      return end(400, { error: { code: 400, message: (error as Error).message } });
    }
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private answer(path: string, body: Fields): unknown {
    switch (path.slice(path.lastIndexOf("/") + 1)) {
      case "accounts:signUp":
        return this.signUp(body);
      case "accounts:signInWithPassword":
        return signedIn(this.known(body));
      case "accounts:lookup":
        return { users: [...this.accounts.values()].filter(({ localId }) => isMeant(localId, body)) };
      case "accounts:sendOobCode":
        this.resets.push(body["email"] ?? "");
        return { email: body["email"] };
      case "token":
        return refreshed(body["refresh_token"] ?? "");
      default:
        throw new Refusal(`NOT_PLAYED ${path}`);
    }
  }

  private signUp({ email = "", password = "" }: Fields) {
    if (this.accounts.has(email)) throw new Refusal("EMAIL_EXISTS");
    if (password.length < 6) throw new Refusal("WEAK_PASSWORD : Password should be at least 6 characters");
    const account = { localId: `user-${this.accounts.size}`, email, password };
    this.accounts.set(email, account);
    return signedIn(account);
  }

  private known({ email = "", password = "" }: Fields): Account {
    const account = this.accounts.get(email);
    if (account?.password !== password) throw new Refusal("INVALID_LOGIN_CREDENTIALS");
    return account;
  }
}

function isMeant(localId: string, { idToken, localId: asked }: Fields): boolean {
  return idToken === undefined ? String(asked) === localId : subject(idToken) === localId;
}

function signedIn({ localId, email }: Account) {
  const idToken = tokenOf(localId, email);
  return { localId, email, idToken, refreshToken: idToken, expiresIn: String(LIFETIME_SECONDS) };
}

function refreshed(token: string) {
  const id_token = tokenOf(subject(token), "");
  return {
    id_token,
    access_token: id_token,
    refresh_token: token,
    expires_in: String(LIFETIME_SECONDS),
    token_type: "Bearer",
  };
}

/** An unsigned token, as the emulator makes them. */
function tokenOf(sub: string, email: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const firebase = { identities: { email: [email] }, sign_in_provider: "password" };
  const times = { iat: now, auth_time: now, exp: now + LIFETIME_SECONDS };
  const claims = {
    iss: `https://securetoken.google.com/${PROJECT}`,
    aud: PROJECT,
    sub,
    user_id: sub,
    email,
    email_verified: false,
    firebase,
    ...times,
  };
  return `${base64({ alg: "none", typ: "JWT" })}.${base64(claims)}.`;
}

const base64 = (data: object) => Buffer.from(JSON.stringify(data)).toString("base64url");
const subject = (token: string): string =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).sub;

/** The fields of a body: JSON, or a form for fresh tokens. */
async function bodyOf(request: IncomingMessage): Promise<Fields> {
  let text = "";
  for await (const piece of request) text += piece;
  if (request.headers["content-type"]?.startsWith("application/json")) return JSON.parse(text || "{}");
  return Object.fromEntries(new URLSearchParams(text));
}
