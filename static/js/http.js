// Calls to our own API, as the signed-in customer.

const TIMEOUT_MS = 10_000;
const PROOF_NEEDED = 40310020;

/** The API refused or did not answer. `status` is 0 when no answer came: nobody knows then. */
export class ApiError extends Error {
  constructor(status, message, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }

  /** Whether the same call may succeed later, and whether it may have taken effect already. */
  get isUncertain() {
    return this.status === 0 || this.status >= 500;
  }
}

const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export async function call(path, { method = "GET", body, signal } = {}) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  let answer = null;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      redirect: "manual",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const isJson = response.headers.get("Content-Type")?.includes("json");
    if (isJson && response.status !== 204) answer = await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The server did not answer.");
  }
  if (response.type === "opaqueredirect" || response.status === 401) {
    throw new ApiError(401, "You have been signed out. Sign in again to go on.", answer ?? {});
  }
  if (answer?.code === PROOF_NEEDED) prove(answer.prove);
  if (!response.ok) {
    throw new ApiError(response.status, answer?.message ?? sentence(response.status), answer ?? {});
  }
  return answer;
}

/** Leave for the page that asks for a second factor, which leads back here. */
function prove(address) {
  const page = new URL(address, location.origin);
  page.searchParams.set("next", location.pathname + location.search + location.hash);
  location.assign(page);
}

function sentence(status) {
  if (status === 403) return "You may not do this.";
  if (status === 404) return "It no longer exists.";
  if (status === 429) return "Too many requests: wait a moment, then try again.";
  return "The server failed. It has been recorded; try again in a moment.";
}

export const get = (path, parameters = {}, options = {}) => {
  const query = new URLSearchParams(
    Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null),
  ).toString();
  return call(query ? `${path}?${query}` : path, options);
};

export const post = (path, body) => call(path, { method: "POST", body });

export const remove = (path) => call(path, { method: "DELETE" });

/** Return a UUID. `crypto.randomUUID` exists on secure origins alone. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
