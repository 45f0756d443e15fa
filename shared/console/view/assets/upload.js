// A file goes from the page straight to the address that the API signed for it (docs/console.md,
// Uploads). The form of the page asks for that address; the file itself never comes by the console.

const form = document.querySelector("form[data-upload]");
if (form) begin(form);

function begin(form) {
  const file = form.querySelector("[data-file]");
  const drop = form.querySelector("[data-drop]");
  const send = form.querySelector("[data-send]");
  const sending = form.querySelector("[data-sending]");
  const failed = form.querySelector("[data-failed]");
  const bar = sending.querySelector("progress");
  const key = form.elements._key;
  let asked = ""; // what was sent with the key: another body needs another key
  let running = null;

  addEventListener("pageshow", () => { if (!running) choose(); }); // a browser may keep the file
  file.addEventListener("change", () => { if (file.files.length) upload(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running) upload();
  });
  sending.querySelector("[data-stop]").addEventListener("click", () => {
    running?.abort();
    refuse({ title: "The upload is stopped.", detail: "Nothing was changed." });
  });
  // Back leads to the page that is drawn already: nothing is loaded, so the upload would go on.
  addEventListener("popstate", () => { running?.abort(); location.reload(); });

  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault(); // else the browser would leave the page and open the file
      drop.classList.toggle("over", !running && (kind === "dragover" || kind === "dragenter"));
      if (kind !== "drop" || running) return;
      if (event.dataTransfer.files.length !== 1) {
        refuse({ title: "One file at a time.", detail: "Drop a single .xlsx or .csv file." });
        return;
      }
      file.files = event.dataTransfer.files;
      upload();
    });
  }

  function choose() {
    const one = file.files[0];
    failed.hidden = true;
    send.textContent = send.dataset.send;
    send.hidden = Boolean(running) || !one;
    drop.classList.toggle("chosen", Boolean(one));
    form.elements.fileName.value = one?.name ?? "";
    form.elements.sizeBytes.value = one?.size ?? "";
  }

  function say(text, percent) {
    const said = sending.querySelector("[role=status]");
    if (said.textContent !== text) said.textContent = text; // a screen reader hears what changes
    sending.querySelector("b").textContent = percent === undefined ? "" : `${percent} %`;
    if (percent === undefined) bar.removeAttribute("value");
    else bar.value = percent;
  }

  function busy(on) {
    sending.hidden = !on;
    send.hidden = on || !file.files.length;
    file.disabled = on;
  }

  function refuse({ title, detail, errors = [], href, link, again }) {
    running = null;
    busy(false);
    failed.querySelector("strong").textContent = title;
    failed.querySelector("[data-detail]").textContent = detail ?? "";
    failed.querySelector("ul").replaceChildren(...errors.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
    failed.querySelector("ul").hidden = errors.length === 0;
    const way = failed.querySelector("a");
    way.hidden = !href;
    if (href) {
      way.href = href;
      way.textContent = link;
    }
    failed.hidden = false;
    send.textContent = again ? "Try again" : send.dataset.send;
    failed.focus();
  }

  function newKey() {
    key.value = crypto.randomUUID();
    asked = "";
  }

  async function upload() {
    const one = file.files[0];
    if (!one) return;
    choose();
    if (form.dataset.name && (one.name !== form.dataset.name || String(one.size) !== form.dataset.size)) {
      refuse({
        title: "That is another file.",
        detail: `This upload waits for ${form.dataset.name}, unchanged. Choose it, or begin a new upload with the other file.`,
      });
      return;
    }
    running = { abort() { this.stopped = true; this.request?.abort(); } };
    const run = running;
    busy(true);
    say(`Asking for a place for ${one.name}`);
    let place = await ask();
    if (place?.seconds <= 0) { // the key brings back what was answered at its first time
      newKey();
      place = await ask();
    }
    if (!place || run.stopped) return;
    // The address is the file's own page from now on: whoever loads it again finds the way on.
    const here = `${place.page}?upload=${encodeURIComponent(key.value)}`;
    const already = location.search.startsWith("?upload=");
    if (location.pathname + location.search !== here) history[already ? "replaceState" : "pushState"](null, "", here);
    put(run, one, place);
  }

  // ask sends the form; null when it is refused, which is said then.
  async function ask() {
    const body = new URLSearchParams(new FormData(form));
    body.delete("_key");
    if (asked && asked !== body.toString()) newKey();
    asked = body.toString();
    body.set("_key", key.value);
    let answer;
    try {
      answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    } catch {
      refuse({ title: "The console cannot be reached.", detail: "Nothing was uploaded. Look at your connection, then try again.", again: true });
      return null;
    }
    let said = null;
    try { said = await answer.json(); } catch { /* what is in between answered, or the page is an old one */ }
    if (answer.ok && said) return said;
    if (said?.key) {
      key.value = said.key;
      asked = "";
    }
    refuse(said ?? { title: "That did not work.", detail: `The console answered ${answer.status}. Nothing was uploaded. Load this page again and choose the file once more.` });
    return null;
  }

  function put(run, one, place) {
    const request = new XMLHttpRequest();
    run.request = request;
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) say(`Uploading ${one.name}`, Math.floor(event.loaded * 100 / event.total));
    });
    request.addEventListener("load", () => {
      const there = request.status === 412; // it has arrived before: the answer to that was lost
      if (request.status < 300 || there) {
        say(`${one.name} has arrived. Its check begins.`, 100);
        location.replace(`${place.page}?sent=1`);
        return;
      }
      if (request.status === 403) newKey(); // the address has ended
      refuse({ title: "The file was not taken.", detail: `The place for it answered ${request.status}${codeOf(request)}. Nothing was changed.`, again: true });
    });
    request.addEventListener("error", () => {
      if (!run.stopped) refuse({
        title: "The upload broke off.",
        detail: "The connection was lost, or the file was changed or moved meanwhile. Nothing was changed. Try again, or choose the file once more.",
        again: true,
      });
    });
    request.open(place.method, place.url);
    for (const [name, value] of Object.entries(place.headers)) request.setRequestHeader(name, value);
    say(`Uploading ${one.name}`, 0);
    request.send(one);
  }

  function codeOf(request) {
    const code = new DOMParser().parseFromString(request.responseText, "text/xml").querySelector("Code");
    return code ? ` (${code.textContent})` : "";
  }
}
