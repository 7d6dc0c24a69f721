// Talks to the REST API and keeps the sign-in of this tab.

const KEY = "stockroom";
let session = JSON.parse(sessionStorage.getItem(KEY) || "null");
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
  if (value) sessionStorage.setItem(KEY, JSON.stringify(value));
  else sessionStorage.removeItem(KEY);
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
    .catch((error) => { keep(null); throw error; })
    .finally(() => { refreshing = null; });
  return refreshing;
}

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
