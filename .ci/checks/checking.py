# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""What every check shares: the files of the repository, the self-test, and the way of saying what is wrong.

A check is a function from {path: text} to a list of complaints. Its self-test feeds it trees that must pass and trees
that must be refused, so that a check that cannot fail is itself refused.
"""

import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

# Lines that may stand above the header or decide the kind of a file.
SHEBANG = re.compile(r"#!.*\b(bash|sh|python3)\b")


def root():
    """The top folder of the repository that the checks are part of."""
    here = os.path.dirname(os.path.abspath(__file__))
    return subprocess.run(
        ["git", "rev-parse", "--show-toplevel"], cwd=here, check=True, capture_output=True, text=True
    ).stdout.strip()


def repository():
    """Path and text of each file that is tracked or about to be; binary files and links are left out."""
    top = root()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=top, check=True, capture_output=True,
    ).stdout.decode().split("\0")
    files = {}
    for path in sorted(set(filter(None, listed))):
        full = os.path.join(top, path)
        if os.path.islink(full) or not os.path.isfile(full):
            continue
        with open(full, "rb") as file:
            data = file.read()
        if b"\0" not in data:
            files[path] = data.decode("utf-8", "replace")
    return files


def language(path, text):
    """swift, c, shell, python, yaml, make or None; scripts without an ending are known by their first line."""
    name = os.path.basename(path)
    ending = name.rsplit(".", 1)[-1] if "." in name[1:] else ""
    by_ending = {
        "swift": "swift", "c": "c", "h": "c", "modulemap": "c", "sh": "shell", "bash": "shell", "py": "python",
        "yaml": "yaml", "yml": "yaml", "mk": "make",
    }
    if ending in by_ending:
        return by_ending[ending]
    if name == "Makefile":
        return "make"
    shebang = SHEBANG.match(text)
    if shebang:
        return "python" if shebang.group(1) == "python3" else "shell"
    return None


def code(text):
    """Swift source without comments and long strings, line by line as before."""
    def blank(match):
        return "\n" * match.group(0).count("\n")
    text = re.sub(r'"""[\s\S]*?"""', blank, text)
    text = re.sub(r"/\*[\s\S]*?\*/", blank, text)
    return re.sub(r"//.*", "", text)


IMPORT = re.compile(
    r"(?:^|;)\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias|actor)\s+)?`?(\w+)"
)


def imports(text):
    """(line, module) of each import in a Swift file."""
    for number, line in enumerate(code(text).split("\n"), 1):
        for match in IMPORT.finditer(line):
            yield number, match.group(1)


def main(check, good, bad):
    """Runs the check on the repository, or its self-test with --self-test, and ends the process."""
    if sys.argv[1:] == ["--self-test"]:
        wrong = ["refused, but is fine: %r: %s" % (tree, check(tree)) for tree in good if check(tree)]
        wrong += ["passed, but is wrong: %r" % (tree,) for tree in bad if not check(tree)]
        if not good or not bad:
            wrong.append("the self-test has no examples")
    elif sys.argv[1:]:
        wrong = ["usage: %s [--self-test]" % sys.argv[0]]
    else:
        files = repository()
        wrong = check(files) if files else ["no files found"]
    print("\n".join(wrong) if wrong else "nothing to complain about")
    sys.exit(1 if wrong else 0)
