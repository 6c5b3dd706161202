#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors
"""Has the memory tool of Anthropic's Python SDK (its local-files helper) answer random commands, and writes them down with
the answers, as JSON Lines on standard output. MemoryReferenceTests gives the same commands to this package's tool.

Each line is [arguments, answer], answer null where the helper ends with an error of the file system; between two runs,
which begin with an empty memory, stands {"files": {path: text}}, what the run has left.

Where the SDK and Anthropic's documentation differ, the documentation's text is written, by TEXTS. Two things cannot be
the same with rows as with files: a directory has the size of what is in it, and is gone with the last file in it.
"""

import os
import random
import re
import shutil
import sys
import tempfile
import json

from anthropic.lib.tools._beta_builtin_memory_tool import BetaLocalFilesystemMemoryTool, _format_file_size

RUNS, COMMANDS = 24, 40

# What the helper says, and what the documentation of the tool ("Tool commands", return values and error handling) says.
TEXTS = {
    "view": [],
    "create": [(r"File (.*) already exists", r"Error: File \1 already exists")],
    "str_replace": [
        (r"The path (.*) does not exist\. Please provide a valid path\.",
         r"Error: The path \1 does not exist. Please provide a valid path."),
        (r"The path (.*) is not a file\.", r"Error: The path \1 does not exist. Please provide a valid path."),
    ],
    "insert": [
        (r"The path (.*) does not exist\. Please provide a valid path\.", r"Error: The path \1 does not exist"),
        (r"The path (.*) is not a file\.", r"Error: The path \1 does not exist"),
        (r"Invalid `insert_line` parameter: (.*)\. It should be within the range (\[.*\])\.",
         r"Error: Invalid `insert_line` parameter: \1. It should be within the range of lines of the file: \2"),
    ],
    "delete": [(r"The path (.*) does not exist", r"Error: The path \1 does not exist")],
    "rename": [
        (r"The path (.*) does not exist", r"Error: The path \1 does not exist"),
        (r"The destination (.*) already exists", r"Error: The destination \1 already exists"),
    ],
}
HEADER = ("excluding hidden items:", "excluding hidden items and node_modules:")

NAMES = ["a", "b", "a.txt", "notes.md", "B", "b0", "été.txt", ".hidden", "with space"]
WORDS = ["alpha", "beta", "gamma", "aa", "aaa", "ab", "", "é", "日本", "\t", " ", "\r", "`tick`"]


def path(chance):
    if chance.random() < 0.06:
        return chance.choice(["/memories", "/etc/passwd", "memories/a", "/memories/../x", "/memories/../../etc/passwd", ""])
    return "/memories/" + "/".join(chance.choice(NAMES) for _ in range(chance.choice([1, 1, 1, 2, 2, 3])))


def text(chance):
    lines = [" ".join(chance.choices(WORDS, k=chance.randrange(4))) for _ in range(chance.randrange(7))]
    return "\n".join(lines) + chance.choice(["", "", "\n", "\n\n"])


def command(chance, files):
    """One command; mostly about files that there are."""
    def known():
        return chance.choice(sorted(files)) if files and chance.random() < 0.7 else path(chance)

    kind = chance.choice(["view", "view", "create", "create", "create", "str_replace", "str_replace", "insert", "insert",
                          "delete", "rename"])
    if kind == "view":
        target = known() if chance.random() < 0.6 else chance.choice(["/memories", known().rsplit("/", 1)[0] or "/"])
        arguments = {"path": target}
        if chance.random() < 0.4:
            arguments["view_range"] = [chance.randrange(-1, 5), chance.choice([-2, -1, 1, 2, 3, 9])]
    elif kind == "create":
        arguments = {"path": path(chance), "file_text": text(chance)}
    elif kind == "str_replace":
        target = known()
        content = files.get(target, "alpha")
        start = chance.randrange(len(content) + 1)
        old = content[start:start + chance.randrange(1, 9)] if chance.random() < 0.7 else chance.choice(WORDS)
        arguments = {"path": target, "old_str": old or "alpha", "new_str": text(chance)}
    elif kind == "insert":
        arguments = {"path": known(), "insert_line": chance.randrange(-1, 7), "insert_text": text(chance)}
    elif kind == "delete":
        arguments = {"path": known() if chance.random() < 0.8 else known().rsplit("/", 1)[0] or "/"}
    else:
        old = known()
        if chance.random() < 0.3:
            old = old.rsplit("/", 1)[0] or "/"
        arguments = {"old_path": old, "new_path": path(chance)}
    return {"command": kind, **arguments}


def tree(root):
    """The files below the folder, by the paths the tool gives them; removes folders without any."""
    files = {}
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                files["/memories" + os.path.join(folder, name)[len(root):]] = file.read()
        if folder != root and not os.listdir(folder):
            os.rmdir(folder)
    return files


def listing(answer, files):
    """A directory's listing with the sizes of directories that rows have."""
    head, *lines = answer.split("\n")
    result = [head.replace(*HEADER)]
    for index, line in enumerate(lines):
        size, name = line.split("\t")
        if index == 0 or name.endswith("/"):
            inside = name.rstrip("/") + "/"
            size = _format_file_size(sum(len(t.encode()) for p, t in files.items() if p.startswith(inside)))
        result.append("%s\t%s" % (size, name))
    return "\n".join(result)


def answered(tool, arguments, files):
    kind = arguments["command"]
    try:
        answer = tool.call(dict(arguments))
    except OSError:
        return None
    except Exception as error:
        if type(error).__name__ != "ToolError":
            raise
        answer = str(error)
        for pattern, replacement in TEXTS[kind]:
            if re.fullmatch(pattern, answer, re.DOTALL):
                return re.sub(pattern, replacement, answer, flags=re.DOTALL)
        return answer
    if answer.startswith("Here're the files"):
        return listing(answer, files)
    return answer


def main():
    chance = random.Random(5)
    for _ in range(RUNS):
        base = tempfile.mkdtemp()
        tool = BetaLocalFilesystemMemoryTool(base)
        root = os.path.join(base, "memories")
        files = {}
        for _ in range(COMMANDS):
            arguments = command(chance, files)
            answer = answered(tool, arguments, files)
            files = tree(root)
            print(json.dumps([arguments, answer], ensure_ascii=False))
        print(json.dumps({"files": files}, ensure_ascii=False, sort_keys=True))
        shutil.rmtree(base)


sys.exit(main())
