#!/usr/bin/env python3
"""config_schema.py AXOND [MISTAKES-PROGRAM] - config.schema.json against the daemon's reader of config.json; TAP. --valid FILE...: are they valid?

Thousands of configurations, right and wrong, are judged by both: the shipped ones, the fuzzer's seeds, the example of the page, the texts
of the unit test of mistakes; and the example and NORMS with every value replaced in turn by values of other types, by the words of the
reader and the schema, and by numbers on both sides of each limit of the schema. A configuration that the reader takes must be valid. One
that it refuses must not be, unless the message is of RELATIONS: rules between two places, which a schema cannot say.
"""
import copy
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP Python has no jsonschema (.ci/deps test)")
    sys.exit(0)

os.chdir(Path(__file__).parents[2])
PAGE, SCHEMA = Path("configs/models/README.md"), Path("configs/models/config.schema.json")
ANY = (None, True, 0, -1, 1.5, 8.0, 2.0**64, "", "a", "a b", [], [1], ["a"], [None], {}, {"name": "relu"}, {"a": 1})
NORMS = {
    "input": {"features": 2},
    "layers": [
        {"units": 2, "activation": "identity", "initializer": "he_normal", "seed": 7},
        {"name": "1", "type": "batch_norm", "epsilon": 1e-3, "activation": "relu", "weight": "w", "bias": [0, 1],
         "running_mean": [0, 0], "running_var": "v"},
        {"type": "dense", "units": 1, "activation": {"name": "prelu", "alpha": [1]}, "weight": [[1, 2]], "bias": None},
    ],
    "dialect": "jax",
    "initializer": "glorot_uniform",
    "seed": 1,
    "versions": {"policy": "specific", "versions": [1, 3]},
    "ignore_tensors": ["t"],
}
RELATIONS = (
    r"(labels|names) for \d+ (output|feature)",  # as many as there are
    r"expected an array of \d+ numbers(, one per channel)?, found an array",
    r"expected \d+ (rows|numbers) \(one per unit\)",
    r"is below \"",
    r"is the name of layers",
    r"outputs, the last layer has",
    r"weights up to this layer",
    r"features and \d+ outputs take",
    r"layer behind it|after it|in front of|takes this batch_norm",
    r"unknown activation|is gated",
    r"activation\.\w+(\[\d+\])?: (unknown key|is \"|expected a number|\w+ takes )",  # the parameters are the activation's
)

count = failed = 0


def ok(good, name, why=()):
    global count, failed
    count, failed = count + 1, failed + (not good)
    print(f"{'ok' if good else 'not ok'} {count} - {name}")
    for line in () if good else why:
        print(f"# {line}")


# ---- cases -----------------------------------------------------------------------------------------


def right():
    """Configurations that both must take."""
    for path in (*Path("configs/models").glob("*/config.json"), *Path("tests/fuzz/corpus/config").iterdir()):
        yield json.loads(path.read_text())
    for block in re.findall(r"^```json config\n(.*?)^```", PAGE.read_text(), re.M | re.S):
        yield json.loads(block)


def places(value, path=()):
    """Each place of a configuration; of long lists the first two elements."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def parts(schema):
    """Each object within the schema."""
    if isinstance(schema, dict):
        yield schema
    for member in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(member)


def words():
    """Every word that the reader's sources quote: keys, choices and names."""
    return sorted({w for path in Path("server/model").glob("*.c") for w in re.findall(r'"([a-z_]+)"', path.read_text())})


def values(schema):
    """Values that replace a place's own."""
    found = [*ANY, *words()]
    for part in parts(schema):
        found += [word for word in part.get("enum", ()) if word is not None]
        limits = [part[key] for key in part if re.fullmatch("(exclusiveM|m)(in|ax)imum", key)]
        found += [limit + step for limit in limits if isinstance(limit, int) for step in (-1, 0, 1)]
        found += [limit * factor for limit in limits if isinstance(limit, float) for factor in (1 - 1e-9, 1 + 1e-9)]
    return list({repr(value): value for value in found}.values())


def changed(config, by):
    """The configuration with each place replaced by each of these, without it, and with a key more in each object."""
    for path in list(places(config))[1:]:
        for wrong in by:
            new = copy.deepcopy(config)
            at(new, path[:-1])[path[-1]] = wrong
            yield new
        new = copy.deepcopy(config)
        del at(new, path[:-1])[path[-1]]
        yield new
    for path in places(config):
        if isinstance(at(config, path), dict):
            new = copy.deepcopy(config)
            at(new, path)["no_such_key"] = 1
            yield new


def printed(program):
    """The texts of the unit test of mistakes that are JSON; the others are the parser's, not a schema's."""
    texts = subprocess.run([program, "--print"], capture_output=True, check=True).stdout.split(b"\0")[:-1]
    for text in texts:
        try:
            config = json.loads(text, object_pairs_hook=once)
        except ValueError:
            continue
        if isinstance(config, dict):
            yield config
    if len(texts) < 50:
        raise SystemExit(f"{program}: mistakes are not read")


def once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


# ---- judges ----------------------------------------------------------------------------------------


def reader(axond, configs):
    """-> for each configuration what the daemon says against it, or None; a repository holds so many models at most"""
    return [text for i in range(0, len(configs), 500) for text in judged(axond, configs[i : i + 500])]


def judged(axond, configs):
    with tempfile.TemporaryDirectory() as folder:
        for i, config in enumerate(configs):
            model = Path(folder, f"m{i}")
            model.mkdir()
            (model / "config.json").write_text(json.dumps(config))
        out = subprocess.run([axond, "--models", folder, "--check-config"], capture_output=True, text=True)
    said = dict(re.findall(r"^model m(\d+)(?: version \d+)?: (.*)$", out.stdout, re.M))
    if len(said) != len(configs):
        raise SystemExit(f"--check-config judges {len(said)} of {len(configs)} models")
    # A folder or file that is not there is no mistake in config.json.
    return [said[str(i)] if re.match(r"config\.json(?!.*there is no folder)", said[str(i)]) else None for i in range(len(configs))]


def finite(value):
    """json.loads() reads NaN and 1e999, which are no JSON or no number for a schema."""
    if isinstance(value, dict):
        return all(finite(v) for v in value.values())
    if isinstance(value, list):
        return all(finite(v) for v in value)
    return not isinstance(value, float) or math.isfinite(value)


# ---- keys ------------------------------------------------------------------------------------------


def objects(schema):
    """The keys of each object that the schema closes."""
    return {frozenset(part["properties"]) for part in parts(schema) if part.get("additionalProperties") is False}


def reader_keys():
    """The keys of each object that the reader's sources list."""
    for path in Path("server/model").glob("*.c"):
        for listed in re.findall(r"struct object_key keys\[\] = \{(.*?)KEY_END\}", path.read_text(), re.S):
            keys = frozenset(re.findall(r'\bKEY\w*\("(\w+)"', listed))
            if "instances" not in keys:  # golden.json's
                yield keys


def table(path, macro):
    return set(re.findall(rf"^{macro}\((\w+),", Path(path).read_text(), re.M))


def valid(files):
    """Is each of these configurations valid? Says what is not."""
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    errors = [f"{path}: {error.message}" for path in files for error in validator.iter_errors(json.loads(Path(path).read_text()))]
    print(*errors, sep="\n", end="")
    return not errors


def main(axond, mistakes=None):
    schema = json.loads(SCHEMA.read_text())
    warnings.simplefilter("ignore")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    mine, theirs = objects(schema), set(reader_keys())
    ok(mine == theirs, "schema and reader know the same keys", [f"only one has {sorted(keys)}" for keys in mine ^ theirs])
    enum = set(schema["properties"]["dialect"]["enum"]) - {None}
    ok(enum == table("lib/dialect.def", "DIALECT"), "the schema's dialects are those of dialect.def")

    good = list(right())
    refused = [text for text in reader(axond, good) if text]
    ok(not refused, "the reader takes what ships, the fuzzer's seeds and the page's example", refused)
    errors = [error.message for config in good for error in validator.iter_errors(config)]
    ok(not errors, "so does the schema", errors)

    by = values(schema)
    cases = [*good, *(new for config in (good[-1], NORMS) for new in changed(config, by))]
    cases += [config for config in (printed(mistakes) if mistakes else ()) if finite(config)]
    said, used, strict, lax = reader(axond, cases), set(), [], []
    for config, text in zip(cases, said):
        valid = validator.is_valid(config)
        if text is None and not valid:
            error = jsonschema.exceptions.best_match(validator.iter_errors(config))
            strict.append(f"{list(error.absolute_path)}: {error.message:.200} {json.dumps(config):.300}")
        elif text and valid:
            relation = next((r for r in RELATIONS if re.search(r, text)), None)
            used.add(relation)
            if not relation:
                lax.append(f"{text} {json.dumps(config):.300}")
    print(f"# {len(cases)} configurations, {sum(text is not None for text in said)} of them refused by the reader")
    ok(not strict, "the schema refuses nothing that the reader takes", strict[:20])
    ok(not lax, "and takes nothing that the reader refuses, but for rules between two places", lax[:20])
    if mistakes:
        ok(used >= set(RELATIONS), "each of those rules has a case", sorted(set(RELATIONS) - used))
    print(f"1..{count}")
    return failed


if sys.argv[1] == "--valid":
    sys.exit(0 if valid(sys.argv[2:]) else 1)
sys.exit(1 if main(*sys.argv[1:]) else 0)
