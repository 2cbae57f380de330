# SPDX-License-Identifier: MIT
"""A report as a strict reader sees it: structure, texts, numbers. Knows nothing of how it was made."""

import base64
import hashlib
import re
from html.parser import HTMLParser

VOID = {"meta", "input", "br"}
OUTSIDE = re.compile(r"(?i)\b(?:https?|ftp|file|data|javascript|blob|wss?):|//[a-z0-9]|@import|url\s*\(|expression\s*\(")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent, self.children, self.own = tag, attributes, parent, [], []

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, tag):
        return [e for e in self.walk() if e.tag == tag]

    def text(self):
        """Of the element and what is in it, in order."""
        return "".join(part if isinstance(part, str) else part.text() for part in self.own)

    def has_class(self, name):
        return name in self.attributes.get("class", "").split()


class Page(HTMLParser):
    """Parses and judges; `faults` says what is wrong."""

    def __init__(self, data):
        super().__init__(convert_charrefs=True)
        self.faults, self.ids, self.scripts = [], {}, []
        self.root = self.current = Element("", {}, None)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            self.faults.append(f"not UTF-8: {error}")
            text = data.decode("utf-8", "replace")
        if found := CONTROLS.search(text):
            self.faults.append(f"control character {found.group()!r} at {found.start()}")
        self.feed(text)
        self.close()
        if self.current is not self.root:
            self.faults.append(f"<{self.current.tag}> is not closed")
        self.check_references()
        self.check_policy()

    def fault(self, text):
        self.faults.append(f"line {self.getpos()[0]}: {text}")

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.fault(f"<{tag}> has an attribute twice")
        attributes = {name: value or "" for name, value in attrs}
        for name, value in attributes.items():
            if name.startswith("on") or name in ("src", "srcset", "srcdoc", "action", "xlink:href"):
                self.fault(f"<{tag}> has the attribute {name}")
            if name == "href" and not re.fullmatch(r"#[\w-]+", value):
                self.fault(f"link to {value!r}")
            if name == "style" and OUTSIDE.search(value):
                self.fault(f"style {value!r}")
        if identity := attributes.get("id"):
            if identity in self.ids:
                self.fault(f"id {identity} twice")
            self.ids[identity] = attributes
        element = Element(tag, attributes, self.current)
        self.current.children.append(element)
        self.current.own.append(element)
        if tag not in VOID:
            self.current = element

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag != self.current.tag:
            self.fault(f"</{tag}> closes <{self.current.tag}>")
        if self.current.parent:
            self.current = self.current.parent

    def handle_data(self, data):
        self.current.own.append(data)
        if self.current.tag == "style" and OUTSIDE.search(data):
            self.fault("the style sheet names something outside")
        if self.current.tag == "script":
            self.scripts.append(data)

    def unknown_decl(self, data):
        self.fault(f"declaration {data!r}")

    def check_references(self):
        for element in self.root.walk():
            target = element.attributes.get("href", "#")[1:]
            for name in [target] + element.attributes.get("aria-labelledby", "").split():
                if name and name not in self.ids:
                    self.faults.append(f"nothing has the id {name}")

    def check_policy(self):
        """Nothing runs and nothing is loaded but the script whose hash the page states."""
        policies = [m.attributes.get("content", "") for m in self.root.all("meta")
                    if m.attributes.get("http-equiv") == "Content-Security-Policy"]
        hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in self.scripts]
        if len(policies) != 1 or len(hashes) != 1:
            self.faults.append(f"{len(policies)} policies, {len(hashes)} scripts")
        elif "default-src 'none'" not in policies[0] or f"script-src 'sha256-{hashes[0]}'" not in policies[0]:
            self.faults.append(f"the policy does not fit the script: {policies[0]}")

    def skeleton(self):
        """Tags and names of attributes in order: what texts must not change."""
        return [(e.tag, sorted(e.attributes)) for e in self.root.walk()]

    def by_id(self, identity):
        return next(e for e in self.root.walk() if e.attributes.get("id") == identity)

    def totals(self):
        return {e.attributes["data-total"]: int(e.attributes["data-v"])
                for e in self.root.walk() if "data-total" in e.attributes}

    def rows(self):
        """The table of operators: for each its index and the numbers that are added up."""
        body = self.by_id("table").all("tbody")[0]
        for row in body.all("tr"):
            cells = row.all("td")
            yield int(cells[0].attributes["data-v"]), {
                c.attributes["data-k"]: int(c.attributes["data-v"]) for c in cells if "data-k" in c.attributes}

    def operators(self):
        """(type, name, placement) of each operator in the graph, inputs left out."""
        graph = next(e for e in self.root.all("ol") if e.has_class("graph"))
        for item in graph.all("li"):
            if "id" not in item.attributes:
                continue
            name = next(e for e in item.all("bdi"))
            chip = next(e for e in item.all("span") if e.has_class("chip"))
            yield item.all("b")[0].text(), name.text(), chip.text().split()[0]
