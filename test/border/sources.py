#!/usr/bin/env python3
"""The house rules that can be seen in the text of the sources: who includes what, names, sizes.

usage: sources.py --server-include FOLDER < LIST OF FILES      prints file:line: [rule] why
       sources.py --sizes < LIST OF FILES                      prints a table of lines by file
"""

import argparse
import fnmatch
import os
import re
import sys

MOST_LINES = 800
GOOD_LINES = 450

# Which layers a layer may include.
LAYERS = {
    "base": {"base"},
    "aws": {"base", "aws"},
    "masking": {"base", "masking"},
    "pg": {"base", "aws", "masking", "pg"},
}

# Headers of libraries: which, the only files that may include them, why. The first match decides.
LIBRARIES = (
    ("curl/*", ["src/aws/*"], "only aws talks HTTP"),
    ("simdjson.h", ["src/aws/simdjson.h"], "aws/simdjson.h sets what it is compiled with"),
    ("openssl/crypto.h", ["src/base/secret.cpp"], "base/secret.h is what erases memory"),
    # Names of types only.
    ("openssl/types.h", ["src/aws/*.h", "src/masking/*.h"], "it names EVP's types"),
    # MD5 is no protection here: SQS sends it as a checksum of each body.
    ("openssl/*", ["src/masking/cipher.cpp", "src/aws/sigv4.cpp", "src/aws/md5.cpp"],
        "cryptography is in masking/cipher, aws/sigv4 and the checksum aws/md5 alone"),
    ("gtest/*", [], "tests are in test/unit"),
)

# The server's headers that do not lie in the server's include folder.
CLIENT_HEADERS = ("libpq-fe.h", "libpq/*", "pg_config*.h", "postgres_ext.h")

# What wraps the server's headers for everybody else.
SERVER_WRAPPERS = ("src/pg/server.h", "src/pg/compat.h")

# Folders that exist only on somebody's machine.
MACHINE_PATH = re.compile(r"(?<![\w.$}/~-])/(?:work|home|root|Users|workspace|mnt|media)/[\w.-]"
                          r"|(?<![\w.$}/-])/tmp/(?:build|lint)\b")

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def read(file):
    with open(file, encoding="utf-8", errors="replace") as text:
        return text.read()


def without_comments(text):
    """The code with comments and strings blanked, so that line numbers stay."""
    return COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


class Include:
    """One #include line of a file."""

    def __init__(self, file, line, header, server_folder):
        self.file = file
        self.line = line
        self.header = header
        self.ours = header.split("/")[0] if os.path.exists(os.path.join("src", header)) else None
        self.server = self.ours is None and (
            os.path.exists(os.path.join(server_folder, header))
            or any(fnmatch.fnmatch(header, known) for known in CLIENT_HEADERS))


def includes_of(file, server_folder):
    lines = read(file).splitlines()
    matches = ((number, INCLUDE.match(line)) for number, line in enumerate(lines, 1))
    return [Include(file, number, match.group(2), server_folder) for number, match in matches if match]


def layer_of(file):
    parts = file.split("/")
    return parts[1] if parts[0] == "src" and len(parts) == 3 and parts[1] in LAYERS else None


# The rules. Each yields (file, line, rule, why).


def layer_rule(include):
    layer = layer_of(include.file)
    if include.ours is None or include.ours in LAYERS[layer]:
        return
    if include.ours == "pg":
        why = f"nothing below pg includes it: {layer} must build without PostgreSQL"
    elif layer == "base":
        why = "base is the lowest layer and includes no other"
    else:
        why = f"{layer} and {include.ours} are siblings and never include each other"
    yield include.file, include.line, "layer", f"{include.header}: {why}"


def server_header_rule(include):
    if not include.server:
        return
    if layer_of(include.file) != "pg":
        why = "below src/pg there is no PostgreSQL"
    elif include.header == "postgres.h" and include.file != "src/pg/server.h":
        why = "pg/server.h is the one file that includes it"
    elif include.file.endswith(".h") and include.file not in SERVER_WRAPPERS:
        why = "our headers name the server's types through pg/types.h"
    else:
        return
    yield include.file, include.line, "server-header", f"{include.header}: {why}"


def library_rule(include):
    for pattern, allowed, why in LIBRARIES:
        if include.ours is None and fnmatch.fnmatch(include.header, pattern):
            if not any(fnmatch.fnmatch(include.file, file) for file in allowed):
                yield include.file, include.line, "library", f"{include.header}: {why}"
            return


def order_rule(includes):
    """The file's own header comes first, the server's come last: they redefine printf and more."""
    file = includes[0].file
    own = re.sub(r"\.cpp$", ".h", file)[len("src/") :]
    names = [include.header for include in includes]
    if file.endswith(".cpp") and own in names and names[0] != own:
        yield file, includes[0].line, "include-order", f"{own}: a file's own header comes first"
    if file in SERVER_WRAPPERS:
        return
    server_began = False
    for include in includes:
        is_server = include.server or include.header in ("pg/server.h", "pg/compat.h")
        if server_began and not is_server:
            yield (file, include.line, "include-order",
                f"{include.header}: the server's headers come last, for their macros redefine "
                "the names of others")
        server_began = server_began or is_server


def version_rule(file):
    if file == "src/pg/compat.h":
        return
    for number, line in enumerate(without_comments(read(file)).splitlines(), 1):
        if re.search(r"\bPG_VERSION(_NUM)?\b|\bPG_MAJORVERSION", line):
            yield (file, number, "version",
                "PG_VERSION_NUM: differences between versions are in pg/compat.h alone")


def size_rule(file):
    lines = read(file).count("\n")
    if lines > MOST_LINES and not is_generated(file):
        yield file, lines, "size", f"{lines} lines: a file has one job and at most {MOST_LINES}"


def path_rule(file):
    for number, line in enumerate(read(file).splitlines(), 1):
        match = MACHINE_PATH.search(line)
        if match:
            yield file, number, "path", f"{match.group()}…: a folder of somebody's machine"


def is_generated(file):
    return "made by " in read(file).split("\n", 1)[0]


def is_code(file):
    return file.startswith(("src/", "test/")) and (
        file.endswith((".cpp", ".h", ".py", ".pl", ".pm", ".mk"))
        or read(file).startswith("#!"))


def violations(files, server_folder):
    for file in files:
        yield from path_rule(file)
        if is_code(file):
            yield from size_rule(file)
        if not file.endswith((".cpp", ".h")):
            continue
        if file.startswith(("src/", "test/guard/")):
            yield from version_rule(file)
        if layer_of(file) is None:
            continue
        includes = includes_of(file, server_folder)
        for include in includes:
            yield from layer_rule(include)
            yield from server_header_rule(include)
            yield from library_rule(include)
        if includes:
            yield from order_rule(includes)


def print_sizes(files):
    sizes = sorted((file, read(file).count("\n")) for file in files if is_code(file))
    for file, lines in sizes:
        remark = ""
        if lines > GOOD_LINES:
            remark = "  generated" if is_generated(file) else f"  more than {GOOD_LINES}"
        print(f"{lines:6}  {file}{remark}")
    for folder in ("src/base", "src/aws", "src/masking", "src/pg", "src", "test"):
        inside = [lines for file, lines in sizes if file.startswith(folder + "/")]
        print(f"{sum(inside):6}  {folder}/: {len(inside)} files")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server-include", default="")
    parser.add_argument("--sizes", action="store_true")
    arguments = parser.parse_args()
    files = sys.stdin.read().splitlines()
    if arguments.sizes:
        print_sizes(files)
        return
    found = sorted(violations(files, arguments.server_include))
    for file, line, rule, why in found:
        print(f"{file}:{line}: [{rule}] {why}")
    for file in filter(is_code, files):
        lines = read(file).count("\n")
        if GOOD_LINES < lines <= MOST_LINES and not is_generated(file):
            print(f"{file}: note: {lines} lines; one job should fit in {GOOD_LINES}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
