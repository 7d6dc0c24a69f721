// Talks to the REST API. The sign-in is kept in memory only: a script that got in later would find no token.

// A token that ends sooner is renewed before it is used for something that lasts.
const SOON = 90_000;

let session = null;
let refreshing = null;

export class ApiError extends Error {
  constructor(status, body) {
    super(body.message || `HTTP ${status}`);
    this.status = status;
    this.details = body.details || {};
  }
}

export const user = () => session?.user ?? null;
export const accessToken = () => session?.access_token ?? null;

function keep(value) {
  session = value;
  window.dispatchEvent(new Event("account"));
}

async function send(method, path, body, token) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  let reply = null;
  try {
    reply = text ? JSON.parse(text) : null;
  } catch {
    reply = { message: "The server did not answer in JSON." };
  }
  if (!response.ok) throw new ApiError(response.status, reply ?? {});
  return reply;
}

// A refresh token works once, so calls that find the access token expired share one refresh.
export function renew() {
  refreshing ??= send("POST", "/v1/auth/refresh", { refresh_token: session.refresh_token })
    .then((pair) => keep({ ...session, ...pair }))
    .catch((error) => {
      // Without an answer nothing is known: the next attempt may succeed.
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) keep(null);
      throw error;
    })
    .finally(() => { refreshing = null; });
  return refreshing;
}

// An access token that is good for a while; `refused` says that the server does not take the one at hand.
export async function freshToken(refused = false) {
  if (!session) throw new Error("nobody is signed in");
  if (refused || endOf(session.access_token) - Date.now() < SOON) await renew();
  return session.access_token;
}

// When a JWT ends, in milliseconds since 1970.
const endOf = (token) => JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).exp * 1000;

export async function call(method, path, body) {
  try {
    return await send(method, path, body, accessToken());
  } catch (error) {
    if (error.status !== 401 || !session) throw error;
    await renew();
    return send(method, path, body, accessToken());
  }
}

export const signIn = async (fields) => keep(await send("POST", "/v1/auth/login", fields));
export const register = async (fields) => keep(await send("POST", "/v1/auth/register", fields));

export async function signOut() {
  const token = accessToken();
  keep(null);
  await send("POST", "/v1/auth/logout", undefined, token).catch(() => {});
}
