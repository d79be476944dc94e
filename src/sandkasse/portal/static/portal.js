// Everything here makes a page pleasanter; every page reads and works without it.
"use strict";

// The one-time code stands behind '#', which browsers never send: take it, clear it from the address, and post it.
function signInFromAddress() {
  const form = document.querySelector("form[data-sign-in]");
  const code = location.hash.slice(1);
  if (!form || location.pathname !== "/sign-in" || code.length < 20) return;
  history.replaceState(null, "", location.pathname);
  form.elements.code.value = code;
  form.requestSubmit();
}

function offerCopying(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
  }
}

async function copyText(button) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.innerHTML;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => { button.innerHTML = label; }, 2000);
}

// A workspace takes seconds to start: say so, count, and take no second press.
function showBusy(form) {
  if (form.dataset.sent) return false;
  form.dataset.sent = "yes";
  const button = form.querySelector("button[type=submit]");
  const note = form.querySelector(".busy");
  button.setAttribute("aria-disabled", "true");
  if (!note) return true;
  const began = Date.now();
  note.textContent = form.dataset.busy + " …";
  const clock = document.createElement("span");
  clock.setAttribute("aria-hidden", "true");
  note.append(clock);
  setInterval(() => { clock.textContent = " " + Math.round((Date.now() - began) / 1000) + " s"; }, 1000);
  return true;
}

// What a part of a page shows when it cannot be loaded.
function showLoadFailure(target) {
  const box = document.createElement("div");
  box.className = "note note-stop";
  box.setAttribute("role", "alert");
  const line = document.createElement("p");
  line.textContent = navigator.onLine
    ? "This could not be loaded. Nothing is lost. "
    : "You seem to be offline. Nothing is lost. ";
  const again = document.createElement("a");
  again.href = location.href;
  again.textContent = "Load the page again";
  line.append(again);
  box.append(line);
  target.replaceChildren(box);
}

document.addEventListener("submit", (event) => {
  if (event.target.dataset.busy && !showBusy(event.target)) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) copyText(button);
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => showLoadFailure(event.detail.target));
}
document.addEventListener("htmx:afterSettle", (event) => offerCopying(event.target));
offerCopying(document);
signInFromAddress();
