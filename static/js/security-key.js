// Security keys and passkeys: a form that is sent once the key has answered.
//
//   <form data-key="get" data-options="/prove/key"> ... <input type="hidden" name="key_answer">
//
// "get" has a key prove that it is there, "create" registers one.

import { $, put } from "./dom.js";
import { ApiError, post } from "./http.js";

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) =>
    each.charCodeAt(0),
  );

function text(buffer) {
  const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const credential = (each) => ({ ...each, id: bytes(each.id) });

function readable(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  if (options.user) publicKey.user = { ...options.user, id: bytes(options.user.id) };
  publicKey.allowCredentials = options.allowCredentials?.map(credential);
  publicKey.excludeCredentials = options.excludeCredentials?.map(credential);
  return { publicKey };
}

function written({ rawId, type, response }) {
  const answer = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    answer.attestationObject = text(response.attestationObject);
    answer.transports = response.getTransports?.() ?? [];
  } else {
    answer.authenticatorData = text(response.authenticatorData);
    answer.signature = text(response.signature);
    answer.userHandle = response.userHandle ? text(response.userHandle) : null;
  }
  const id = text(rawId);
  return JSON.stringify({ id, rawId: id, type, clientExtensionResults: {}, response: answer });
}

function sentence(error) {
  if (error instanceof ApiError) return error.message;
  if (error.name === "InvalidStateError") return "This key is one of yours already.";
  if (error.name === "SecurityError") {
    return "This address cannot use keys: open the page under the name that they were made for.";
  }
  return "The key did not answer. Try again when it is at hand.";
}

async function ask(form) {
  const state = $("[data-key-state]", form);
  const button = $("button[type=submit]", form);
  button.disabled = true;
  put(state, "Follow what your browser says…");
  try {
    const options = readable(await post(form.dataset.options));
    const answer = await navigator.credentials[form.dataset.key](options);
    form.elements.key_answer.value = written(answer);
    form.submit();
  } catch (error) {
    put(state, sentence(error));
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-key]")) {
  if (!window.PublicKeyCredential) {
    put($("[data-key-state]", form), "This browser cannot use security keys at this address.");
    $("button[type=submit]", form).disabled = true;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.reportValidity()) ask(form);
  });
}
