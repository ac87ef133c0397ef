#!/usr/bin/env python3
"""pages.py links|names|blocks|makes - what the pages (*.md) say of files, anchors, commands and make targets is so.

Prints offenders as file:line: what. The commands themselves are run by tests/http/t9000-readme.sh.
"""
import ast
import json
import re
import subprocess
import sys
from pathlib import Path

COMMANDS = r"(?:\$ )?(?:make|curl|docker|podman|axond|python3?|pip|cc|gcc|sudo|git|systemctl|cp|mv|build/\S+) "
ROOTS = r"(?:server|lib|include|configs|tests|docker|\.ci)/"


def pages():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True, check=True)
    found = [Path(path) for path in sorted(listed.stdout.split()) if Path(path).is_file()]
    if len(found) < 20:
        raise SystemExit("the pages are not found")
    return found


def split(page):
    """(line number, text, the info string of the block that it is in, None outside of blocks)"""
    info = None
    for number, line in enumerate(page.read_text().split("\n"), 1):
        if line.startswith("```"):
            info = line[3:].strip() if info is None else None
        else:
            yield number, line, info


def blocks(page):
    """(line number of the first line, info string, text)"""
    start, info, lines = 0, None, []
    for number, line in enumerate(page.read_text().split("\n"), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif info is None:
            start, info, lines = number + 1, line[3:].strip(), []
        else:
            yield start, info, "\n".join(lines)
            info = None


def anchors(page):
    """As GitHub makes them of headings: lower case, punctuation gone, blanks as dashes; the second of a name has -1."""
    seen, found = {}, set()
    for _, line, info in split(page):
        heading = re.match(r"#+ (.*)", line) if info is None else None
        if heading:
            text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1])
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(f"{slug}-{seen[slug]}" if slug in seen else slug)
            seen[slug] = seen.get(slug, 0) + 1
    return found


def check_links():
    for page in pages():
        for number, line, info in split(page):
            for target in re.findall(r"\]\(([^) ]+)\)", line) if info is None else ():
                path, _, anchor = target.partition("#")
                if re.match(r"https?:", target):
                    continue
                to = page.parent / path if path else page
                if not to.exists():
                    yield f"{page}:{number}: leads nowhere: {target}"
                elif anchor and anchor not in anchors(to / "README.md" if to.is_dir() else to):
                    yield f"{page}:{number}: no such section: {target}"


def check_names():
    """Files that the text names in backticks, by their path from the top or from the page."""
    for page in pages():
        for number, line, info in split(page):
            for name in re.findall(rf"`({ROOTS}[\w./-]+)`", line) if info is None else ():
                if not Path(name).exists() and not (page.parent / name).exists():
                    yield f"{page}:{number}: there is no {name}"


def wrong(info, text):
    """The fault of a block, or None."""
    kind, _, why = info.partition(" ")
    if "not run" in why and not re.match(r"not run: \S", why):
        return "a block that is not run says why: not run: REASON"
    if kind not in ("sh", "console") and re.search(rf"^{COMMANDS}", text, re.M):
        return f"commands in a block of kind {kind or 'none'}, which nothing runs: make it sh or console"
    try:
        if kind == "json":
            json.loads(text)
        if kind == "python":
            ast.parse(text)
    except (SyntaxError, ValueError) as error:
        return f"{kind}: {error}"
    return None


def check_blocks():
    for page in pages():
        for number, info, text in blocks(page):
            fault = wrong(info, text)
            if fault:
                yield f"{page}:{number}: {fault}"
        for number, line, info in split(page):
            if info is None and re.match(rf" {{4,}}{COMMANDS}", line):
                yield f"{page}:{number}: an indented command, which nothing runs: put it into a block of kind sh"


def check_makes():
    targets = set(re.findall(r"^([a-z][a-z-]*):", Path("Makefile").read_text(), re.M))
    for page in pages():
        for number, line, info in split(page):
            places = [line] if info is not None and info.startswith("sh") else re.findall(r"`([^`]+)`", line)
            for place in places:
                called = re.match(r"\s*make ([^#]*)", place)
                words = called[1].split() if called else []
                for word in words:
                    if re.fullmatch(r"[a-z][a-z-]*", word) and word not in targets:
                        yield f"{page}:{number}: make has no target {word}"
                    if not re.fullmatch(r"[a-z][a-z-]*|-\S*", word):
                        break


CHECKS = {"links": check_links, "names": check_names, "blocks": check_blocks, "makes": check_makes}
print(*CHECKS[sys.argv[1]](), sep="\n", end="")
