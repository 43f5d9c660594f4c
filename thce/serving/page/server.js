// Speaking to the server: who is asking, and answers that survive a lost connection.

let csrf = "";
let name = "";
let admin = false;

export const who = () => name;
export const mayReview = () => admin;

/** What the server refused: its status and its one line. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** There was no reply: the server or the way to it is down. */
export class Unreachable extends Error {}

/** One call of the API; throws Refused for a status that is no success, Unreachable without one. */
export async function call(method, path, body) {
  const headers = { "X-Annotator": name, "X-CSRF-Token": csrf };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const reply = await fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
  }).catch(() => {
    throw new Unreachable();
  });
  if (reply.status === 204) return null;
  const content = await reply.json().catch(() => null);
  if (reply.ok) return content;
  throw new Refused(reply.status, content?.error?.message ?? `status ${reply.status}`);
}

export const get = (path) => call("GET", `../v1/annotate/${path}`);
export const post = (path, body) => call("POST", `../v1/annotate/${path}`, body);

/** Who is signed in: "token" or "name" is what the page still has to ask for, "" nothing. */
export async function signedIn() {
  let session;
  try {
    session = await call("GET", "../v1/session");
  } catch (refused) {
    if (refused.status === 401) return "token";
    throw refused;
  }
  csrf = session.csrf;
  admin = session.role === "admin";
  if (csrf !== "") {
    name = session.name;
    return "";
  }
  name = localStorage.getItem("thce.name") ?? "";
  return name === "" ? "name" : "";
}

export async function signIn(kind, value) {
  if (kind === "name") localStorage.setItem("thce.name", value);
  else await call("POST", "../v1/session", { token: value });
}

export async function signOut() {
  await post("leave");
  if (csrf === "") localStorage.removeItem("thce.name");
  else await call("DELETE", "../v1/session");
}

// Answers wait in the browser's own storage until the server has them on disk: ids, flags and the
// verdict, no word of the note.

// randomUUID is there under TLS only.
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const outbox = () => `thce.outbox.${name}.`;

export function waiting() {
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(outbox()))
    .map((key) => JSON.parse(localStorage.getItem(key)));
}

/**
 * Sends an answer, undo or ruling until the server has taken or refused it.
 * @param path answers, undo or conflicts/ID
 * @param body without its id, or one from `waiting()` with it
 * @param onWait called with true whenever the server does not answer, with false once it does
 */
export async function deliver(path, body, onWait) {
  const sent = { ...body, id: body.id ?? newId() };
  const key = outbox() + sent.id;
  localStorage.setItem(key, JSON.stringify({ path, body: sent }));
  for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
    try {
      const recorded = await post(path, sent);
      localStorage.removeItem(key);
      onWait(false);
      return recorded;
    } catch (problem) {
      const again = problem instanceof Unreachable || problem.status === 429 || problem.status >= 500;
      if (!again) {
        if (problem.status !== 401) localStorage.removeItem(key);
        onWait(false);
        throw problem;
      }
      onWait(true);
      await new Promise((done) => setTimeout(done, pause));
    }
  }
}

// Ticks that were not sent yet, so that a closed page finds them again.

const draftKey = () => `thce.draft.${name}`;

export function keepDraft(task, ticked) {
  const draft = { task_id: task.task_id, version: task.version, ticked };
  localStorage.setItem(draftKey(), JSON.stringify(draft));
}

export function draftOf(task) {
  const draft = JSON.parse(localStorage.getItem(draftKey()) ?? "null");
  const same = draft && draft.task_id === task.task_id && draft.version === task.version;
  return same ? draft.ticked : null;
}

export const dropDraft = () => localStorage.removeItem(draftKey());
