"""Follows the pages of the console by their links and forms, as a browser without script does."""

import html.parser
import json
import urllib.parse
import urllib.request
from dataclasses import dataclass, field


@dataclass
class Form:
    action: str
    method: str
    values: list = field(default_factory=list)  # what it sends as it stands, in order

    def set(self, **values):
        self.values = [(k, v) for k, v in self.values if k not in values] + list(values.items())
        return self

    def get(self, name):
        return next((v for k, v in self.values if k == name), None)


class Reader(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.forms, self.links, self.link, self.select = [], [], None, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form":
            self.forms.append(Form(a.get("action", ""), a.get("method", "get").upper()))
        elif tag == "a":
            self.link = [a.get("href", ""), ""]
        elif tag == "select":
            self.select = a.get("name")
        elif not self.forms:
            pass
        elif tag == "input" and a.get("name") and (a.get("type") not in ("checkbox", "radio") or "checked" in a):
            self.forms[-1].values.append((a["name"], a.get("value", "")))
        elif tag == "option" and self.select and "selected" in a:
            self.forms[-1].values.append((self.select, a.get("value", "")))

    def handle_endtag(self, tag):
        if tag == "a" and self.link:
            self.links.append((self.link[0], " ".join(self.link[1].split())))
            self.link = None
        elif tag == "select":
            self.select = None

    def handle_data(self, data):
        if self.link:
            self.link[1] += data


@dataclass
class Page:
    status: int
    path: str
    text: str
    headers: object

    def form(self, action, **has):
        """Gives the first form whose action has a text, and whose fields have these values."""
        for form in Reader(self.text).forms:
            if form.method == "POST" and action in form.action and "sign-out" not in form.action and all(form.get(k) == v for k, v in has.items()):
                return form
        raise LookupError(f"{self.path} has no form {action} {has}")

    def link(self, text):
        for address, shown in Reader(self.text).links:
            if shown == text:
                return address
        raise LookupError(f"{self.path} has no link {text}")


class Browser:
    """Opens pages; exchange sends a request and gives status, headers and body."""

    def __init__(self, url, exchange, cookies=()):
        self.url, self.exchange, self.cookies = url, exchange, dict(cookies)

    def open(self, path, form=None, **headers):
        """Opens an address, or sends a form to it, and follows where that leads."""
        data = None if form is None else urllib.parse.urlencode(form.values).encode()
        for _ in range(5):
            status, got, body = self.ask(path, data, headers)
            if status not in (302, 303, 307, 308):
                return Page(status, path, body.decode("utf-8", "replace"), got)
            parts = urllib.parse.urlparse(got["Location"])
            path, data = urllib.parse.urlunparse(("", "", parts.path, "", parts.query, "")), None
        raise LookupError(f"{path} leads round and round")

    def leads(self, path):
        """Gives the address that another one leads to, wherever that is."""
        _, got, _ = self.ask(path, None, {})
        return got["Location"]

    def ask(self, path, data, headers):
        request = urllib.request.Request(self.url + path, data, dict(headers), method="GET" if data is None else "POST")
        if self.cookies:
            request.add_header("Cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        if data is not None:
            request.add_header("Sec-Fetch-Site", "same-origin")
        status, got, body = self.exchange(request)
        for header in got.get_all("Set-Cookie") or []:
            name, _, value = header.split(";")[0].partition("=")
            self.cookies[name] = value
        return status, got, body

    def press(self, form, do=None, **values):
        """Sends a form as one of its buttons does."""
        return self.open(form.action, form.set(**values, **({"do": do} if do else {})))

    def place(self, form, name, size):
        """Asks for a place for a file, as the page's module does."""
        page = self.open(form.action, form.set(fileName=name, sizeBytes=str(size)), Accept="application/json")
        return json.loads(page.text)
