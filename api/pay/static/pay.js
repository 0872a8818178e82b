// The payment page: sends the choice, shows what to do next, and follows the payment until it ends. It decides nothing.
"use strict";

const card = document.getElementById("pay");
const form = document.getElementById("form");
const outcome = document.getElementById("outcome");
const error = document.getElementById("error");
const button = document.getElementById("submit");
const base = `/pay/${encodeURIComponent(card.dataset.token)}`;
const POLL_MILLISECONDS = 2000;

// One key a try: pressing the button twice, or a lost answer, starts one payment only.
let key = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.floor(performance.now() * 1000)}`;
let followed = null;

function chosen() {
  return form.querySelector("input[name=method]:checked");
}

function showPhone() {
  document.getElementById("phone-field").hidden = chosen().dataset.phone !== "yes";
}

function say(kind, lines) {
  outcome.className = kind;
  outcome.replaceChildren(...lines.map((line) => {
    const element = document.createElement(line.code ? "span" : "p");
    if (line.code) element.className = "code";
    if (line.href) {
      const anchor = document.createElement("a");
      anchor.href = line.href;
      anchor.textContent = line.text;
      element.append(anchor);
    } else {
      element.textContent = line.code || line.text;
    }
    return element;
  }));
  outcome.hidden = false;
}

function fail(message) {
  error.textContent = message;
  error.hidden = false;
  button.disabled = false;
}

async function pay(event) {
  event.preventDefault();
  error.hidden = true;
  button.disabled = true;
  const method = chosen();
  const body = { method: method.value };
  if (method.dataset.phone === "yes") body.phone = document.getElementById("phone").value;
  let response;
  let answer;
  try {
    response = await fetch(`${base}/checkout`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: JSON.stringify(body),
    });
    answer = await response.json();
  } catch {
    fail("We could not reach the server. Check your connection and press the button again: you will not pay twice.");
    return;
  }
  if (!response.ok) {
    if (response.status < 500) key = `${key}.`;
    const first = answer.errors && answer.errors[0];
    fail(first ? first.message : answer.detail);
    return;
  }
  key = `${key}.`;
  followed = answer.payment_id;
  if (answer.redirect_url) {
    window.location.assign(answer.redirect_url);
    return;
  }
  next(answer);
}

function next(answer) {
  if (answer.decline_reason) {
    say("failed", [{ text: `The payment was refused: ${answer.decline_reason}.` }, { text: "You can try again, or choose another way to pay." }]);
    button.disabled = false;
    return;
  }
  form.hidden = true;
  const lines = [{ text: answer.instructions || "Please confirm the payment on your phone." }];
  if (answer.authorization_code) lines.push({ text: "Your code:" }, { code: answer.authorization_code });
  if (answer.deep_link) lines.push({ text: "Open the InnBucks app", href: answer.deep_link });
  lines.push({ text: "Waiting for your confirmation…" });
  say("waiting", lines);
  follow();
}

async function follow() {
  let status;
  try {
    status = await (await fetch(`${base}/status`)).json();
  } catch {
    setTimeout(follow, POLL_MILLISECONDS);
    return;
  }
  if (status.state === "PAID") {
    if (form) form.hidden = true;
    say("paid", [{ text: "Your payment was received. Thank you!" }, { text: "A confirmation is on its way to you by e-mail." }]);
    document.querySelector(".due").textContent = "paid, thank you";
    return;
  }
  const payment = status.payments.find((one) => one.id === followed) || status.payments[0];
  if (payment && payment.status === "FAILED" && payment.id === followed) {
    say("failed", [{ text: payment.failure_reason || "The payment did not go through." }, { text: "You can try again." }]);
    form.hidden = false;
    button.disabled = false;
    return;
  }
  if (payment && payment.status === "PENDING") {
    followed = payment.id;
    if (outcome.hidden) {
      say("waiting", [{ text: "Your payment is being confirmed. This page tells you as soon as it is." }]);
    }
    setTimeout(follow, POLL_MILLISECONDS);
  }
}

if (form) {
  form.addEventListener("change", showPhone);
  form.addEventListener("submit", pay);
  showPhone();
}
if (card.dataset.open === "yes") follow();
