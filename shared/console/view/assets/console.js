// What the console does better with script than without. Every page works without any of it.

// The browser's time zone, for the next page; the account's own until then. Who travels has another.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`seatwise-zone=${zone}`)) {
  document.cookie = `seatwise-zone=${zone}; path=/; max-age=34560000; samesite=lax`;
}
// The first page of all was drawn before anybody knew the browser's zone: its times are told in it
// too, so that the next page is in the same one.
const guessed = document.documentElement.dataset.zoneGuessed;
if (zone && guessed && guessed !== zone) {
  const told = (at, american, clock) => {
    const hour12 = american;
    const part = Object.fromEntries(new Intl.DateTimeFormat("en-US", {
      timeZone: zone, weekday: "long", day: "numeric", month: "short", year: "numeric", minute: "2-digit",
      hour: hour12 ? "numeric" : "2-digit", hourCycle: hour12 ? "h12" : "h23",
    }).formatToParts(at).map((p) => [p.type, p.value]));
    const day = american ? `${part.month} ${part.day}, ${part.year}` : `${part.day} ${part.month} ${part.year}`;
    const time = `${part.hour}:${part.minute}` + (american ? ` ${part.dayPeriod}` : "");
    return { weekday: part.weekday, said: clock ? `${day}, ${time}` : day, whole: `${day}, ${time}` };
  };
  for (const element of document.querySelectorAll("time[datetime]")) {
    const [text, name] = [element.firstChild, element.querySelector("span")];
    const at = told(new Date(element.dateTime), /^[A-Z]/.test(text.data), text.data.includes(":"));
    text.data = at.said;
    name.textContent = ` ${zone}`;
    element.title = `${at.weekday}, ${at.whole}, ${zone}`;
  }
  for (const name of document.querySelectorAll("[data-zone-name]")) name.textContent = zone;
}
const zones = document.querySelector("datalist[data-zones]");
if (zones && Intl.supportedValuesOf) {
  zones.replaceChildren(...Intl.supportedValuesOf("timeZone").map((name) => new Option(name, name)));
}

// What went wrong is what a person looks for first.
document.querySelector("[data-focus]")?.focus();

// On a narrow screen the menu is a row, which begins at the page that is open.
const [menuOfPages, current] = [document.querySelector("nav.pages"), document.querySelector("nav.pages [aria-current]")];
if (current) menuOfPages.scrollLeft = current.offsetLeft - (menuOfPages.clientWidth - current.offsetWidth) / 2;

// A slash leads to the search box, as the box says.
for (const hint of document.querySelectorAll("[data-hint]")) hint.hidden = false;
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
  if (find) {
    event.preventDefault();
    find.select(); // which focuses it too
  }
});

// What the search box finds is shown below it while one types, after each pause: the first links of
// the page that Enter leads to. The arrow keys lead through them, and Escape back to the box.
const find = document.querySelector("[data-find]");
if (find) {
  const [box, list, said] = [find.form, document.createElement("ul"), document.createElement("p")];
  list.className = "found suggested";
  list.hidden = true;
  said.className = "unseen";
  said.setAttribute("role", "status");
  box.append(list, said);
  let pausing;
  let asked = new AbortController();
  const close = () => {
    clearTimeout(pausing);
    asked.abort();
    list.hidden = true;
    said.textContent = "";
  };
  const suggest = async () => {
    const mine = asked = new AbortController();
    try {
      const address = `${box.action}?q=${encodeURIComponent(find.value)}`;
      const answer = await fetch(address, { signal: mine.signal, redirect: "manual" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return;
      const found = [...page.querySelectorAll("main .found > li")].slice(0, 8);
      list.replaceChildren(...found);
      list.hidden = found.length === 0;
      said.textContent = found.length === 0 ? "Nothing fits." : `${found.length} ${found.length === 1 ? "suggestion" : "suggestions"}, by the down arrow.`;
    } catch {
      // Enter asks again, and says what is wrong.
    }
  };
  find.addEventListener("input", () => {
    close();
    if (find.value.trim().length > 1) pausing = setTimeout(suggest, 250);
  });
  box.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (list.hidden || !step && event.key !== "Escape") return;
    event.preventDefault();
    if (!step) {
      close();
      find.focus();
      return;
    }
    const to = links.indexOf(document.activeElement) + step;
    (links[Math.min(to, links.length - 1)] ?? find).focus();
  });
  box.addEventListener("focusout", (event) => {
    if (!box.contains(event.relatedTarget)) close();
  });
}

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
    // Where the browser asks first, or never answers, there is something to copy by hand.
    const late = setTimeout(() => { button.textContent = button.dataset.copy; }, 500);
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      clearTimeout(late);
      button.textContent = "Copied";
    } catch {
      clearTimeout(late);
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
  addEventListener("pageshow", (event) => {
    // What Back brings as it was left has its ticks, though what was done with them may be done.
    if (event.persisted) for (const box of boxes) box.checked = false;
    show();
  });
  show();
}

// What the ticked choices cost together: each product once, though two roles carry it.
for (const total of document.querySelectorAll("[data-added-up]")) {
  const money = new Intl.NumberFormat(undefined, { style: "currency", currency: total.dataset.addedUp, currencyDisplay: "narrowSymbol" });
  const minor = 10 ** money.resolvedOptions().maximumFractionDigits;
  const form = total.closest("form");
  form.addEventListener("change", () => {
    const prices = new Map();
    for (const box of form.querySelectorAll("[data-adds]:checked")) {
      for (const one of box.dataset.adds.split(" ")) prices.set(...one.split(":"));
    }
    total.textContent = money.format([...prices.values()].reduce((sum, price) => sum + Number(price), 0) / minor);
  });
}

// What a choice does is shown as soon as it is made, above the button that does it: what the button
// Show what this does would show. Room is kept for it, so that no button moves away under the pointer.
for (const see of document.querySelectorAll("[data-see]")) {
  const form = see.form;
  const place = form.querySelector("[data-told]");
  if (!place) continue;
  place.classList.add("kept");
  const [untold, plan] = [place.querySelector("[data-untold]"), form.elements._plan ?? document.createElement("input")];
  plan.type = "hidden";
  plan.name = "_plan";
  const say = (text) => {
    const said = document.createElement("p");
    said.className = "quiet";
    said.textContent = text;
    place.replaceChildren(said);
  };
  if (untold) untold.hidden = false;
  let asked = new AbortController();
  form.addEventListener("change", async (event) => {
    if (event.target.type === "search" || form.getAttribute("aria-busy") === "true") return;
    asked.abort(); // what was shown is of another choice
    plan.remove();
    const mine = asked = new AbortController();
    say("Working out what this does…");
    try {
      const sent = new URLSearchParams(new FormData(form));
      sent.delete("told");
      sent.set("see", "yes");
      const answer = await fetch(form.action, { method: "POST", body: sent, signal: mine.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return;
      const [told, held] = [page.querySelector("[data-told]"), page.querySelector("form:has([data-told]) input[name=_plan]")];
      if (!told?.querySelector(".effects, .note")) {
        say("Choose, and what that does is shown here before you press.");
        return;
      }
      place.replaceChildren(...told.childNodes);
      if (held) {
        plan.value = held.value;
        form.append(plan);
      }
    } catch {
      if (!mine.signal.aborted) say("What this does cannot be shown just now. Afterwards it is told what was done.");
    }
  });
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

// An edit that was changed and not sent is lost by leaving the page, so the browser asks first. Lists that are
// searched and filtered are no edits, and Cancel is an answer already.
const edits = "form[data-once]:has(.buttons, .row.spread)";
const typed = new WeakSet();
let answered = null; // the form that is sent, or left by its own Cancel
const editable = (field) => field.name && !["hidden", "search", "submit", "button", "fieldset"].includes(field.type);
const differs = (field) => {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
  const first = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(first, 0);
};
document.addEventListener("input", (event) => { if (event.target.form) typed.add(event.target.form); });
document.addEventListener("submit", (event) => { answered = event.target; });
document.addEventListener("click", (event) => {
  const cancel = event.target.closest(`${edits} :is(.buttons, .row.spread) a:not([target])`);
  if (cancel && !event.ctrlKey && !event.metaKey && !event.shiftKey) answered = cancel.closest("form");
});
addEventListener("pageshow", () => { answered = null; });
addEventListener("beforeunload", (event) => {
  const unsent = (form) => {
    if (form === answered) return false;
    const fields = [...form.elements].filter(editable);
    return "unsent" in form.dataset ? fields.length > 0 : typed.has(form) && fields.some(differs);
  };
  if (!document.querySelector("meta[http-equiv=refresh]") && [...document.querySelectorAll(edits)].some(unsent)) {
    event.preventDefault();
  }
});

// Who was in the part that was replaced goes on at its beginning.
function goOnAt(element) {
  if (!element) return;
  element.tabIndex = -1;
  element.focus();
}

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
      if (now.length !== next.length || now.some((part, i) => part.dataset.live !== next[i].dataset.live)) {
        document.title = page.title;
        const main = document.querySelector("main");
        const within = main.contains(document.activeElement);
        main.replaceWith(page.querySelector("main"));
        if (within) goOnAt(document.querySelector("main [data-focus], main h1"));
        continue;
      }
      now.forEach((part, i) => {
        const [bar, is] = [part.querySelector("progress"), next[i].querySelector("progress")];
        if (is?.hasAttribute("value")) bar.value = is.value;
        const [said, says] = [part.querySelector("[role=status]"), next[i].querySelector("[role=status]")];
        if (said.textContent !== says.textContent) said.replaceChildren(...says.childNodes);
      });
    } catch {
      // The network is away; it is asked again a little later.
    }
  }
}
follow();
