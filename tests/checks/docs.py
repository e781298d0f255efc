#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the documents.

  - X.ja.md says what X.md says: same heading levels, same code blocks, same links (a link to a twin counts as a link
    to the page); README.md has its twin;
  - every relative link leads to a file of the project;
  - the decision records are numbered without a gap, hold the sections of the template and are in the index.
"""

import pathlib
import re

import project

FENCE = re.compile(r"^(```+|~~~+).*?^\1\s*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#{1,6})\s", re.MULTILINE)
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
ADR_NAME = re.compile(r"^(\d{4})-[a-z0-9-]+\.md$")
ADR_SECTIONS = ("Context", "Decision", "Consequences", "Alternatives")


class Page:
    def __init__(self, root, path):
        text = (root / path).read_text()
        self.path = path
        self.blocks = [found[0] for found in FENCE.finditer(text)]
        self.prose = FENCE.sub("", text)
        self.levels = [len(mark) for mark in HEADING.findall(self.prose)]
        self.links = LINK.findall(re.sub(r"`[^`\n]*`", "", self.prose))

    def link_targets(self):
        """Links without what differs between twins by right: language suffix and anchor."""
        return {re.sub(r"\.ja\.md$", ".md", link.split("#")[0]) for link in self.links} - {""}


def check(root):
    pages = {path: Page(root, path) for path in project.files(root, "*.md")}
    if pathlib.PurePosixPath("README.ja.md") not in pages:
        yield "README.ja.md: missing"
    for page in pages.values():
        yield from broken_links(root, page)
        if page.path.name.endswith(".ja.md"):
            yield from drift(pages.get(page.path.with_name(page.path.name.replace(".ja.md", ".md"))), page)
    yield from decision_records(root)


def broken_links(root, page):
    for link in page.links:
        target = link.split("#")[0]
        if target and not re.match(r"^[a-z]+:", target) and not (root / page.path.parent / target).exists():
            yield f"{page.path}: link to {link} leads nowhere"


def drift(original, twin):
    if original is None:
        yield f"{twin.path}: there is no page that it translates"
        return
    if original.levels != twin.levels:
        yield f"{twin.path}: headings are {twin.levels}, in {original.path} {original.levels}"
    if len(original.blocks) != len(twin.blocks):
        yield f"{twin.path}: {len(twin.blocks)} code blocks, in {original.path} {len(original.blocks)}"
    for number, (theirs, ours) in enumerate(zip(original.blocks, twin.blocks), 1):
        if theirs != ours:
            yield f"{twin.path}: code block {number} differs from the one in {original.path}"
    for link in sorted(original.link_targets() ^ twin.link_targets()):
        yield f"{twin.path}: link to {link} is in only one of the twins"


def decision_records(root):
    folder = root / "docs" / "adr"
    records = sorted(name for name in (path.name for path in folder.glob("*.md")) if ADR_NAME.match(name)) \
        if folder.is_dir() else []
    index = (folder / "README.md").read_text() if (folder / "README.md").is_file() else ""
    for number, name in enumerate(records, 1):
        if int(name[:4]) != number:
            yield f"docs/adr/{name}: expected number {number:04d}"
        if f"({name})" not in index:
            yield f"docs/adr/{name}: not in docs/adr/README.md"
        titles = re.findall(r"^## (.+)$", (folder / name).read_text(), re.MULTILINE)
        if tuple(titles) != ADR_SECTIONS:
            yield f"docs/adr/{name}: sections are {titles}, the template has {list(ADR_SECTIONS)}"


if __name__ == "__main__":
    project.run(__doc__, check)
