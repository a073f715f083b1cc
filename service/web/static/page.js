// What pages do better with scripts. All of them work without.
"use strict";

// A new code can be asked for only after a while: the button says in how long.
for (const button of document.querySelectorAll("button[data-wait]")) {
  const label = button.textContent;
  const until = Date.now() + Number(button.dataset.wait) * 1000;
  const tell = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? button.dataset.waiting.replace("{seconds}", left) : label;
    if (left > 0) setTimeout(tell, 1000);
  };
  tell();
}

// Whoever picks from a list means the choice that the list belongs to.
for (const list of document.querySelectorAll("select[data-chooses]")) {
  list.addEventListener("change", () => {
    document.getElementById(list.dataset.chooses).checked = list.value !== "";
  });
}

// One press is one request.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
// A page that is gone back to may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
