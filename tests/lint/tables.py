#!/usr/bin/env python3
"""tables.py [--write] - the pages' tables of routes, activations, errors ..., made from the code's own tables.

Without --write it says whether the pages hold them as they are (TAP); with it, the pages are brought up to date.
"""
import json
import re
import sys


def fields(row):
    """Split at the commas that stand outside of string literals; literals lose their quotes."""
    parts = re.findall(r'\s*("[^"]*"|[^,]*)\s*(?:,|$)', row)
    return [p.strip().strip('"') for p in parts][: len(parts) - (parts[-1] == "")]


def rows(path, macro):
    text = re.sub(r"/\*.*?\*/", "", open(path).read(), flags=re.S)
    return [(m[1], fields(m[2])) for m in re.finditer(rf"^({macro})\((.*)\)$", text, flags=re.M)]


def calls(path, macro):
    """The arguments of every macro(...) at a line's start, which may span lines, nest, and join string literals."""
    text = re.sub(r"/\*.*?\*/", "", open(path).read(), flags=re.S)
    for start in re.finditer(rf"^{macro}\(", text, flags=re.M):
        depth, parts = 0, [""]
        for token in re.findall(r'"(?:[^"\\]|\\.)*"|[(),]|[^"(),]+', text[start.end():]):
            if token == ")" and depth == 0:
                break
            depth += (token == "(") - (token == ")")
            if token == "," and depth == 0:
                parts.append("")
            else:
                parts[-1] += token
        yield [part.strip() for part in parts]


def literal(part):
    """The text of adjacent string literals."""
    return "".join(json.loads(f'"{m}"') for m in re.findall(r'"((?:[^"\\]|\\.)*)"', part))


def cell(text):
    return text.replace("|", "\\|")


def number(text):
    """1.0f / 3 as 1/3, -1.0f as -1, FLT_MAX as it is meant: without a bound"""
    return re.sub(r"\.0?f?(?=\D|$)|f$", "", text.replace(" ", "")).replace("FLT_MAX", "∞")


def parameters(part):
    found = re.findall(r'PARAMETER\("(\w+)",\s*"[^"]*",\s*([^,]+),', part)
    return ", ".join(f"{name} {number(value)}" for name, value in found)


def activations():
    lines = []
    for name, kind, aliases, formula, _, _, values, params, *_ in calls("lib/activation.def", "ACT"):
        also = "".join(f", `{alias}`" for alias in re.findall(r'"(\w+)"', aliases))
        lines.append(f"| `{name}`{also} | {kind.lower()} | {cell(literal(formula))} | {parameters(params)} | "
                     f"{cell(literal(values))} |")
    return table("| name, aliases | kind | formula | parameters | range |", lines)


def dialects():
    lines = []
    for dialect, name, means, note, *differs in calls("lib/dialect.def", "MEANS"):
        defaults = [number(v) for d in differs if d.startswith("DEFAULTS") for v in d[9:-1].split(", ")]
        lines.append(f"| `{dialect}` | `{name}` | `{means}` | {', '.join(defaults)} | {cell(literal(note))} |")
    return table("| dialect | name | is | with | because |", lines)


def losses():
    lines = []
    for name, _, aliases, variants, takes, _, _, formula, _, _, _, _, labels, targets, params, arrays, *_ in \
            calls("lib/loss.def", "LOSS"):
        also = "".join(f", `{alias}`" for alias in re.findall(r'"(\w+)"', aliases)[:2])
        also += "".join(f", `{variant}`" for variant in re.findall(r'VARIANT\("(\w+)"', variants)[:1])
        both = "`logits`, " if "from_logits" in params else ""
        has = [f"`{array.lower()}`" for array in re.findall(r"[A-Z_]+", arrays) if array != "NO_ARRAYS"]
        has += [f"`{option}` {value}" for option, value in re.findall(r'\w+\("(\w+)",\s*"[^"]*",\s*([^,)]+)', params)]
        lines.append(f"| `{name}`{also} | {both}`predictions`; {cell(literal(targets))} | "
                     f"{cell(literal(formula))} | {', '.join(has)} |")
    return table("| `POST /v1/losses/…` | takes | of a place or value | options beside `reduction` |", lines)


def table(head, lines):
    return "\n".join([head, "|".join([""] + [" --- "] * (head.count("|") - 1) + [""]), *lines]) + "\n"


def readable(value, unit):
    if unit == "bytes":
        for shift, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
            if int(value) >= 1 << shift and int(value) % (1 << shift) == 0:
                return f"{int(value) >> shift} {name}"
    return f"{value} {unit}"


def options():
    lines = []
    for macro, f in rows("server/options/options.def", r"OPT_\w+"):
        default, text = "—" if macro in ("OPT_LIST", "OPT_PATH") else f[1] or "—", f[-1]
        if macro == "OPT_TEXT" and f[2]:
            text += f" ({f[2].replace('|', ', ')})"
        elif macro == "OPT_FLAG":
            default = {"false": "off", "true": "on"}[default]
        elif macro in ("OPT_SIZE", "OPT_TIME"):
            default = readable(default, f[4] if macro == "OPT_SIZE" else "s")
        lines.append(f"| `--{f[0].replace('_', '-')}` | `AXOND_{f[0].upper()}` | {default} | {text} |")
    return table("| flag | variable | default | what |", lines)


def platforms():
    lines = []
    for _, (name, form, option, text) in rows("server/options/platforms.def", "PLATFORM"):
        flag = f"`--{option.replace('_', '-')}`" + (", to use instead" if form == "NOTHING" else "")
        lines.append(f"| `{name}` | {flag} | {text} |")
    return table("| variable | flag | what |", lines)


def metrics():
    lines = []
    for _, (name, _, scope, labels, text) in rows("server/metrics/metrics.def", "METRIC"):
        wire = name if scope == "PROCESS" else "axond_" + name
        lines.append(f"| `{wire}` | {labels.replace(',', ', ')} | {text} |")
    return table("| metric | labels | what |", lines)


def errors():
    lines = [f"| {http} | `{name.lower()}` | {text} |"
             for _, (name, http, text) in rows("server/base/errors.def", "ERR") if name != "OK"]
    return table("| HTTP | code | what |", lines)


def routes():
    paths = json.load(open("server/api/openapi.json"))["paths"]
    lines = []
    for path, get, post, access, *_ in calls("server/api/routes.def", "ROUTE"):
        for method, handler in (("get", get), ("post", post)):
            if handler != "NULL":
                shown = literal(path.replace("ANY_VERSION", '"[/versions/{version}|/labels/{label}]"')
                                .replace("VERSION", '"[/versions/{version}]"'))
                summary = paths.get(literal(path), {}).get(method, {}).get("summary", "(not in openapi.json)")
                lines.append(f"| `{cell(shown)}` | {method.upper()} | {access.lower()} | {summary} |")
    return table("| path | method | access | what |", lines)


def config_schema():
    return json.load(open("configs/models/config.schema.json"))


def takes(schema, named):
    """The values of a member of config.json, in a few words; named are the schema's $defs."""
    if "$ref" in schema:
        schema = named[schema["$ref"].rpartition("/")[2]]
    if "title" in schema:
        return schema["title"]
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema.get("enum", [schema.get("const")]) if word is not None)
    if "anyOf" in schema:
        return " or ".join(takes(choice, named) for choice in schema["anyOf"] if choice.get("type") != "null")
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "array":
        return f"list of {takes(schema['items'], named)}s"
    return f"{schema['minimum']} to {schema['maximum']}" if "minimum" in schema else kind


def described(path, schema, named):
    """A row for each key of an object; the keys of an object in it come after it."""
    for key, member in schema["properties"].items():
        default = f"`{json.dumps(member['default'])}`" if "default" in member else "—"
        default = "must be there" if key in schema.get("required", ()) else default
        yield f"| `{path}{key}` | {cell(takes(member, named))} | {default} | {cell(member['description'])} |"
        if "properties" in member:
            yield from described(f"{path}{key}.", member, named)


def config():
    schema = config_schema()
    lines = []
    for row in described("", schema, schema["$defs"]):
        lines.append(row)
        if row.startswith("| `layers` "):
            lines += described("layers[].", schema["$defs"]["dense"], schema["$defs"])
    return table("| key | takes | default | what |", lines)


def batch_norm():
    named = config_schema()["$defs"]
    return table("| key | takes | default | what |", described("", named["batch_norm"], named))


PAGES = {
    "server/api/REFERENCE.md": (routes, activations, dialects, losses, errors, options, platforms),
    "configs/models/README.md": (config, batch_norm),
    "configs/prometheus/README.md": (metrics,),
}


def renew(text, make):
    """-> the page with that table as the code has it, and whether it was so"""
    name = make.__name__
    fresh = re.sub(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m: m[1] + make() + m[2], text, flags=re.S)
    return fresh, fresh == text and f"<!-- {name} -->" in text


def main():
    count = failed = 0
    for page, tables in PAGES.items():
        text = open(page).read()
        for make in tables:
            text, same = renew(text, make)
            count, failed = count + 1, failed + (not same)
            print(f"{'ok' if same else 'not ok'} {count} - {page}: the table of {make.__name__} is that of the code (make tables)")
        if "--write" in sys.argv:
            open(page, "w").write(text)
    print(f"1..{count}")
    return 0 if failed == 0 or "--write" in sys.argv else 1


sys.exit(main())
