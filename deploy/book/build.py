#!/usr/bin/env python3
"""docs/ → a book in target/book/html, by mdBook (deploy/setup/mdbook.sh). Links to files of the repository outside of docs/ lead to copies of
them, as text; links to folders become their words. Every link of the pages that come out is looked up.

Exit codes: 0 fine, 1 a link leads nowhere.
"""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]
DOCS, WORK = ROOT / "docs", ROOT / "target/book"
STAGE, HTML = WORK / "src", WORK / "html"
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def stage():
    """The pages as mdBook wants them, and the files that they link to."""
    shutil.rmtree(STAGE, ignore_errors=True)
    for page in DOCS.rglob("*.md"):
        target = STAGE / page.relative_to(DOCS)
        target.parent.mkdir(parents=True, exist_ok=True)
        parts = FENCED.split(page.read_text())
        target.write_text("".join(part if at % 2 else LINK.sub(lambda link: led(page, *link.groups()), part) for at, part in enumerate(parts)))


def led(page, words, target):
    """A link as it is in the book."""
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if "://" in target or file.is_relative_to(DOCS):
        # The page of a folder is its index.
        return f"[{words}]({target.replace('README.md', 'index.md') if page.name != 'SUMMARY.md' else target})"
    if file.is_dir():
        return words
    # Without `.md`, which mdBook would take for a page of its own.
    copy = STAGE / "repository" / f"{str(file.relative_to(ROOT)).removesuffix('.md')}.txt"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, copy)
    return f"[{words}]({os.path.relpath(copy, STAGE / page.parent.relative_to(DOCS))})"


class Page(HTMLParser):
    """What a page has and where it leads."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if "id" in named:
            self.ids.add(named["id"])
        if tag == "a" and named.get("href"):
            self.links.append(named["href"])


def broken():
    """Links that lead nowhere."""
    pages = {path: Page(path) for path in HTML.rglob("*.html") if path.name not in ("404.html", "toc.html", "print.html")}
    for path, page in pages.items():
        for link in page.links:
            place, _, anchor = unquote(link).partition("#")
            target = (path.parent / place).resolve() if place else path
            if re.match(r"[a-z]+:", link) or target.name == "print.html":
                continue
            if not target.is_file():
                yield f"{path.relative_to(HTML)}: there is no {link}"
            elif anchor and target in pages and anchor not in pages[target].ids:
                yield f"{path.relative_to(HTML)}: {link} names no heading"


def main():
    stage()
    environment = {**os.environ, "MDBOOK_BOOK__SRC": str(STAGE.relative_to(ROOT)), "MDBOOK_BUILD__BUILD_DIR": str(HTML.relative_to(ROOT))}
    subprocess.run([WORK / "bin/mdbook", "build", ROOT], env=environment, check=True)
    problems = sorted(set(broken()))
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    print(f"target/book/html/index.html: {len(list(HTML.rglob('*.html')))} pages, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
