// The payment page: sends the choice, shows what to do next, and follows the payment until it ends. It decides nothing.
"use strict";

const card = document.getElementById("pay");
const form = document.getElementById("form");
const outcome = document.getElementById("outcome");
const another = document.getElementById("another");
const base = `/pay/${encodeURIComponent(card.dataset.code)}`;

const LOST = "We could not reach the server. Check your connection and press the button again: you will not pay twice.";
const BUSY = "We could not start the payment just now. Press the button again in a moment: you will not pay twice.";
const PATIENCE_TRIES = 20;

let followed = card.dataset.waiting || null;
let looks = 0;
let timer = null;

// One key a request: pressing the button again after an answer was lost finds the same payment. What was answered for good, or
// is asked for differently, is another request.
let key = null;
let sent = null;

function keyFor(body) {
  if (key === null || sent !== body) {
    key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    sent = body;
  }
  return key;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function chosen() {
  return form.querySelector("input[name=method]:checked");
}

function showFields() {
  const needsPhone = chosen().dataset.phone === "yes";
  document.getElementById("phone-field").hidden = !needsPhone;
  document.getElementById("page-hint").hidden = needsPhone;
}

// A line is text, or a code to read off, or a link.
function say(kind, heading, lines) {
  const title = document.createElement("h2");
  title.textContent = heading;
  outcome.className = kind;
  outcome.replaceChildren(title, ...lines.map((line) => {
    const paragraph = document.createElement("p");
    paragraph.className = line.code ? "code" : line.soft ? "soft" : "";
    if (line.href) {
      const anchor = document.createElement("a");
      anchor.href = line.href;
      anchor.textContent = line.text;
      paragraph.append(anchor);
    } else {
      paragraph.textContent = line.code || line.text;
    }
    return paragraph;
  }));
  outcome.hidden = false;
  outcome.focus();
}

function showForm() {
  if (!form) return;
  form.hidden = false;
  another.hidden = true;
  ready();
}

function hideForm() {
  if (!form) return;
  form.hidden = true;
  another.hidden = false;
}

function ready() {
  const button = document.getElementById("submit");
  button.disabled = false;
  if (button.dataset.label) button.textContent = button.dataset.label;
}

function busy() {
  const button = document.getElementById("submit");
  button.dataset.label = button.textContent;
  button.disabled = true;
  button.textContent = `Asking ${chosen().dataset.name}…`;
  document.getElementById("error").hidden = true;
  document.getElementById("phone").removeAttribute("aria-invalid");
}

function fail(message, field) {
  const error = document.getElementById("error");
  error.textContent = message;
  error.hidden = false;
  ready();
  if (field === "phone") {
    const phone = document.getElementById("phone");
    phone.setAttribute("aria-invalid", "true");
    phone.focus();
  }
}

// The answer to a checkout; while an earlier request with the same key is being worked on, its answer is waited for.
async function post(body) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": keyFor(body) };
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(`${base}/checkout`, { method: "POST", headers, body });
    const answer = await response.json();
    const isWorking = response.status === 409 && answer.type.endsWith(":still-working");
    if (!isWorking || tries === PATIENCE_TRIES) {
      if (response.status < 500 && !isWorking) key = null;
      return { response, answer };
    }
    await pause(1000 * Number(response.headers.get("Retry-After") || 2));
  }
}

async function pay(event) {
  event.preventDefault();
  const wish = { method: chosen().value };
  if (chosen().dataset.phone === "yes") wish.phone = document.getElementById("phone").value;
  busy();
  let told;
  try {
    told = await post(JSON.stringify(wish));
  } catch {
    fail(LOST);
    return;
  }
  const { response, answer } = told;
  if (response.ok) {
    next(answer);
  } else if (response.status === 409) {
    fail(answer.detail); // paid or closed in the meantime, or another payment is not clear yet
    follow();
  } else if (response.status >= 500) {
    fail(BUSY);
  } else {
    const first = answer.errors && answer.errors[0];
    const words = first ? first.message : answer.detail;
    fail(words.charAt(0).toUpperCase() + words.slice(1), first && first.field);
  }
}

function next(answer) {
  if (answer.redirect_url) {
    window.location.assign(answer.redirect_url);
    return;
  }
  if (answer.decline_reason) {
    say("failed", "No payment was made", [{ text: sentence(answer.decline_reason) }]);
    showForm();
    return;
  }
  followed = answer.payment_id;
  hideForm();
  const lines = [{ text: answer.instructions || "Please confirm the payment on your phone." }];
  if (answer.authorization_code) lines.push({ code: answer.authorization_code });
  if (answer.deep_link) lines.push({ text: "Open the InnBucks app", href: answer.deep_link });
  lines.push({ text: "This page tells you as soon as the payment is confirmed.", soft: true });
  say("waiting", "Waiting for your confirmation", lines);
  looks = 0;
  follow();
}

function sentence(words) {
  return /[.!?]$/.test(words) ? words : `${words}.`;
}

// Often at first, when somebody sits before it; rarely when the page was left open.
function again() {
  looks += 1;
  clearTimeout(timer);
  timer = setTimeout(follow, looks < 60 ? 2000 : looks < 120 ? 10000 : 60000);
}

function follow() {
  return learn(() => fetch(`${base}/status`, { cache: "no-store" }));
}

// Who comes back from a gateway's page, or to one that was left open, has us ask the gateway now.
function look() {
  return learn(() => fetch(`${base}/look`, { method: "POST" }));
}

async function learn(ask) {
  let status;
  try {
    const response = await ask();
    if (!response.ok) throw new Error(`status ${response.status}`);
    status = await response.json();
  } catch {
    again();
    return;
  }
  if (status.link_status === "PAID" || status.state === "PAID") {
    celebrate();
    return;
  }
  if (form && status.link_status !== "ACTIVE") {
    window.location.reload(); // it has ended: the page says how
    return;
  }
  const payment = status.payments.find((one) => one.id === followed);
  // Also when the payer chose another way and nothing is followed: the earlier payment may still come in.
  if (!payment || payment.status === "PENDING") {
    again();
  } else if (payment.status === "FAILED") {
    say("failed", "The payment did not go through", [{ text: sentence(payment.failure_reason || "No money was taken") }]);
    showForm();
  } else {
    window.location.reload(); // settled, and something is left to pay
  }
}

function celebrate() {
  clearTimeout(timer);
  if (form) {
    form.hidden = true;
    another.hidden = true;
  }
  const label = document.getElementById("label");
  label.textContent = "Paid";
  label.className = "label good";
  document.querySelectorAll(".owed .due, .owed .instead").forEach((note) => note.remove());
  const thanks = document.createElement("p");
  thanks.className = "due";
  thanks.textContent = card.dataset.thanks;
  document.querySelector(".owed").append(thanks);
  document.title = `Paid - ${document.title}`;
  const letter = card.dataset.letters === "yes" ? [{ text: "A confirmation is on its way to you by e-mail.", soft: true }] : [];
  say("paid", "Your payment was received", letter);
}

if (form) {
  another.addEventListener("click", () => {
    followed = null;
    outcome.hidden = true;
    showForm();
    chosen().focus();
  });
  form.addEventListener("change", showFields);
  form.addEventListener("submit", pay);
  showFields();
}
if (followed) {
  if (form) another.hidden = !form.hidden;
  look();
}
// A page that the browser kept while its reader was at the gateway's may show what is no longer so.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
