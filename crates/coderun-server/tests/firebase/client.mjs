// What a frontend does with the service, and what an administrator does with the emulator.

import { PROJECT } from "./processes.mjs";

const EXECUTIONS = "/api/v1/executions";

/** A request of the user with this token: `{ status, body }`. */
export async function ask(service, token, path, body) {
  const answer = await fetch(service.url + path, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

export const verify = (service, token) => ask(service, token, "/api/v1/auth/verify");
export const status = (service, token, id) => ask(service, token, `${EXECUTIONS}/status/${id}`);

/** Submits a program. For some seconds after the start, a language that is still being checked is 503: then again. */
export async function submit(service, token, code) {
  for (let left = 60; ; left -= 1) {
    const answer = await ask(service, token, `${EXECUTIONS}/execute`, { code, language: "python" });
    if (answer.status !== 503 || left === 0) return answer;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** All messages of the socket of an execution and its close code: `{ messages, code }`. */
export function watch(service, token, id) {
  const url = `${service.url.replace("http", "ws")}${EXECUTIONS}/ws/${id}`;
  const socket = new WebSocket(url, ["execution.v1", `bearer.${token}`]);
  const messages = [];
  socket.onmessage = ({ data }) => messages.push(JSON.parse(data));
  return new Promise((resolve) => {
    socket.onclose = ({ code }) => resolve({ messages, code });
  });
}

/** Changes an account as a project's administrator does. */
export async function administrate(emulator, method, change) {
  const base = `http://${emulator.host}/identitytoolkit.googleapis.com/v1/projects/${PROJECT}`;
  const answer = await fetch(`${base}/accounts:${method}`, {
    method: "POST",
    headers: { Authorization: "Bearer owner", "Content-Type": "application/json" },
    body: JSON.stringify(change),
  });
  if (!answer.ok) throw new Error(`the emulator refused: ${await answer.text()}`);
}
