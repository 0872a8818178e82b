// Posts the form of the page at once. Whoever comes back to it by the browser's own button wants to go back further.
"use strict";

const form = document.getElementById("handover");
const arrived = performance.getEntriesByType("navigation")[0];

if (arrived && arrived.type === "back_forward") {
  window.location.replace(form.dataset.page);
} else {
  HTMLFormElement.prototype.submit.call(form); // a field of that name would hide the method
}
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.replace(form.dataset.page);
});
