// Asking who annotates: a token where the server wants one, else a name.

import { byId, el, fill } from "./dom.js";
import { signIn } from "./server.js";

/**
 * Asks for a token or a name until one is given.
 * @param missing "token" or "name"
 * @param problem what was wrong before
 * @param begin called once it is there
 */
export function askWho(missing, problem, begin) {
  const dialog = byId("sign-in");
  const isToken = missing === "token";
  const input = el("input", {
    id: "given",
    type: isToken ? "password" : "text",
    required: true,
    maxlength: isToken ? 256 : 64,
    pattern: isToken ? null : "[A-Za-z0-9][A-Za-z0-9 ._@\\-]*",
    title: isToken ? null : "Letters, digits, spaces and ._@-",
    autocomplete: "off",
  });
  const sent = async (event) => {
    event.preventDefault();
    try {
      await signIn(missing, input.value.trim());
    } catch (refusal) {
      fill(said, refusal.message);
      return;
    }
    dialog.close();
    begin();
  };
  const said = el("p", { class: "problem", role: "alert" }, problem);
  fill(
    dialog,
    el("h2", { id: "sign-in-title" }, isToken ? "Sign in" : "Who annotates?"),
    el(
      "form",
      { onsubmit: sent },
      el("label", { for: "given" }, isToken ? "Token" : "Your name"),
      input,
      said,
      el("p", { class: "hint" }, isToken ? "Whoever runs the server has it for you." : "Answers are kept under it; use the same one every time."),
      el("button", { class: "primary" }, "Begin"),
    ),
  );
  dialog.oncancel = (event) => event.preventDefault();
  if (!dialog.open) dialog.showModal();
  input.focus();
}
