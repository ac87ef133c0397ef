#!/usr/bin/env python3
"""english.py FILE... - sentences of comments and pages that hide their subject, one per line as file:line: text.

They begin with "What", "Of" or "Whose", or say "behind" where "after" is meant. A comment of several lines is read as one text. A question may
begin with "What", and a server may stand "behind" a proxy.
"""
import io
import re
import sys
import tokenize
from pathlib import Path

OPENING = re.compile(r"(?:^|(?<=[.!?:] )|(?<=[.!?]\) ))[(*\"'`]*((?:What|Of|Whose)\b[^.?!]*[.?!]?)")
PROXY = r"(?:(?:a|an|the|one|its) )?(?:trusted |reverse )?(?:proxy|proxies|load balancer|nginx|HAProxy)"
# Something may be left "behind", and a quoted word is only spoken of.
BEHIND = re.compile(rf'(?<!["`])(?<!left )(?<!leaves )(?<!stays )(?<!nothing )\bbehind\b(?!-)(?! {PROXY}\b)(?!["`])', re.I)

# A mark within code ends no sentence.
CODE = re.compile(r"`[^`]+`")


def c_comments(text):
    """(line, comment) of C, which // comments in a row make one of"""
    strings_or_comments = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*(?:\n[ \t]*//[^\n]*)*', re.S)
    for found in strings_or_comments.finditer(text):
        if found[0].startswith("/"):
            yield text.count("\n", 0, found.start()) + 1, re.sub(r"^[ \t]*(?:/\*+|\*+/|\*(?!/)|//)|\*/", "", found[0], flags=re.M)


def hash_comments(text):
    """(line, comment) of shell, make and awk: lines of comments in a row are one; # within a word or quotes is none"""
    start, block = 0, []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        found = re.match(r"\s*#+ ?(.*)", line) if not line.startswith("#!") else None
        if found:
            start, block = start or number, [*block, found[1]]
            continue
        if block:
            yield start, "\n".join(block)
        start, block = 0, []
        trailing = re.search(r"\s#+ (.*)", re.sub(r"'[^']*'|\"(?:\\.|[^\"\\])*\"", "''", line))
        if trailing:
            yield number, trailing[1]


def python_comments(text):
    start, last, block = 0, 0, []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            if block and token.start[0] != last + 1:
                yield start, "\n".join(block)
                block = []
            start = token.start[0] if not block else start
            last, block = token.start[0], [*block, token.string.lstrip("# ")]
        elif token.type == tokenize.STRING and token.string.startswith('"""'):
            yield token.start[0], token.string.strip('"')
    if block:
        yield start, "\n".join(block)


def prose(text):
    """(line, paragraph) of Markdown; a list's item and a table's cell are paragraphs, and code is none"""
    fence, start, block = False, 0, []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        fence ^= line.startswith("```")
        own = re.match(r"\s*(?:[-*+]|\d+\.) +|#+ ", line)
        if block and (fence or own or not line.strip() or line.startswith(("|", "```", "<"))):
            yield start, "\n".join(block)
            block = []
        if fence or not line.strip() or line.startswith(("```", "<")):
            continue
        if line.startswith("|"):
            yield from ((number, cell.strip()) for cell in line.strip("|").split("|"))
            continue
        start = start if block else number
        block.append(line[own.end():] if own else line)


READERS = {".c": c_comments, ".h": c_comments, ".cc": c_comments, ".def": c_comments, ".md": prose, ".py": python_comments}


def paragraphs(comment):
    """(lines before it, text) of each paragraph or list item of a comment"""
    lines, block = comment.split("\n"), []
    for number, line in enumerate([*lines, ""]):
        if block and (not line.strip() or re.match(r"\s*[-*] ", line)):
            yield number - len(block), " ".join(block)
            block = []
        if line.strip():
            block.append(line.strip().removeprefix("- "))


def main(paths):
    for path in paths:
        read = READERS.get(Path(path).suffix, hash_comments)
        for line, comment in read(Path(path).read_text()):
            for before, text in paragraphs(comment):
                text = CODE.sub(lambda code: re.sub(r"[.?!]", "_", code[0]), text)
                for found in OPENING.finditer(text):
                    if not found[1].endswith("?"):
                        print(f"{path}:{line + before}: {found[1][:90]}")
                for found in BEHIND.finditer(text):
                    print(f"{path}:{line + before}: ... {text[max(0, found.start() - 30):found.end() + 40]}")


main(sys.argv[1:])
