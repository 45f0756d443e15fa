// What the console does better with script than without. Every page works without any of it.

// The reader's time zone, for the next page; the account's own until then.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes("seatwise-zone=")) {
  document.cookie = `seatwise-zone=${zone}; path=/; max-age=31536000; samesite=lax`;
}

// What went wrong is what a person looks for first.
document.querySelector("[data-focus]")?.focus();

// A slash leads to the search box, as the box says.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
  const find = document.querySelector("[data-find]");
  if (find) {
    event.preventDefault();
    find.focus();
  }
});

// Menus close by Escape and by whatever is clicked beside them, and one is open at a time.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest("details.menu[open]") ?? document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const name = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = button.dataset.copy;
      return;
    }
    setTimeout(() => { button.textContent = name; }, 1500);
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// A long list of choices is narrowed by what is typed.
for (const input of document.querySelectorAll("[data-narrow]")) {
  input.hidden = false;
  input.addEventListener("input", () => {
    const text = input.value.trim().toLowerCase();
    for (const label of input.parentElement.querySelectorAll("label")) {
      label.hidden = !label.textContent.toLowerCase().includes(text);
    }
  });
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
}

// One box chooses all of a list, and what can be done with the chosen says how many they are.
for (const all of document.querySelectorAll("[data-all]")) {
  const boxes = [...document.querySelectorAll(`input[type=checkbox][form="${all.dataset.all}"]`)];
  const form = document.getElementById(all.dataset.all);
  const show = () => {
    const n = boxes.filter((box) => box.checked).length;
    all.checked = n > 0 && n === boxes.length;
    all.indeterminate = n > 0 && n < boxes.length;
    const count = form?.querySelector("[data-count]");
    if (count) count.textContent = n === 0 ? "None selected" : `${n} selected`;
  };
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  for (const box of boxes) box.addEventListener("change", show);
  show();
}

// A form is sent once. The key in it makes a second time harmless; this spares the wait.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});

// What is under way is asked for again, and only it is changed on the page.
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function follow() {
  for (let wait = 1000; document.querySelector("[data-live]"); wait = Math.min(wait * 1.3, 5000)) {
    await pause(wait);
    if (document.hidden) continue;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected || !answer.ok) {
        location.reload();
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = [...document.querySelectorAll("[data-live]")];
      const next = [...page.querySelectorAll("[data-live]")];
      if (now.length !== next.length) {
        document.querySelector("main").replaceWith(page.querySelector("main"));
        return;
      }
      now.forEach((part, i) => {
        part.querySelector("progress").value = next[i].querySelector("progress").value;
        const [said, says] = [part.querySelector("[role=status]"), next[i].querySelector("[role=status]")];
        if (said.textContent !== says.textContent) said.replaceChildren(...says.childNodes);
      });
    } catch {
      // The network is away; it is asked again a little later.
    }
  }
}
follow();
