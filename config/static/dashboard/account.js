// Signing in and out.

import { register, signIn, signOut, user } from "./api.js";
import { live } from "./live.js";

const $ = (id) => document.getElementById(id);

export function startAccount() {
  window.addEventListener("account", showAccount);
  $("account-button").onclick = () => (user() ? signOut() : $("sign-in").showModal());
  $("invite-button").onclick = () => $("sign-in").showModal();
  $("sign-in-cancel").onclick = () => $("sign-in").close();
  $("sign-in-form").onsubmit = submit;
  showAccount();
}

function showAccount() {
  const who = user();
  $("account").textContent = who ? who.email : "";
  $("account-button").textContent = who ? "Sign out" : "Sign in";
  $("invite").hidden = Boolean(who);
  if (who) live.start();
  else live.close();
}

async function submit(event) {
  event.preventDefault();
  const form = event.target;
  const buttons = form.querySelectorAll("button");
  const fields = { email: form.email.value, password: form.password.value };
  $("sign-in-error").textContent = "";
  buttons.forEach((button) => { button.disabled = true; });
  try {
    if (event.submitter?.value === "register") await register({ ...fields, name: form.elements.name.value || fields.email.split("@")[0] });
    else await signIn(fields);
    form.reset();
    $("sign-in").close();
  } catch (error) {
    $("sign-in-error").textContent = [error.message, ...Object.values(error.details ?? {}).flat()].join(" ");
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}
