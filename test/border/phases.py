#!/usr/bin/env python3
"""The border between C++ and PostgreSQL, checked in clang's own translation of src/pg.

usage: phases.py FILE.ll...      (made with -O0 -gline-tables-only -fno-discard-value-names)

A server function may leave by longjmp, which runs no destructor; a C++ function may leave by an
exception, which the server does not know. In LLVM's IR both are plain to see, through every macro
and every inline function: a call during which an object with a destructor is alive, or a catch
block is open, is an `invoke` with a landing pad. The rules:

  cpp-phase     nothing that Guard or GuardNoRaise runs, however deep, calls a server function
  live-object   nothing with a destructor is alive during a call that may reach a server function
  throw         a function that calls the server calls nothing that may throw, except through Guard

What a function mentions counts as called, since it may be a callback; virtual functions count where
their object is made.
"""

import functools
import os
import re
import subprocess
import sys

# Server functions that neither raise nor allocate, so that a C++ phase may call them.
HARMLESS = {
    "pg_snprintf",
    "strlcpy",
}

# What calls the body of a C++ phase: internal::Invoke of pg/guard.h.
PHASE = "_ZN7sqs_fdw2pg8internal6InvokeI"

# Whose symbols are no server functions.
LIBRARIES = ("libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1")

SYMBOL = r'@(?:"([^"]+)"|([-\w.$]+))'
DEFINE = re.compile(r"^define (.*?)" + SYMBOL + r"\((.*)$")
DECLARE = re.compile(r"^declare .*?" + SYMBOL + r"\((.*)$")
CALL = re.compile(r"(?:^|= )\s*(?:tail |musttail |notail )?(call|invoke) .*?" + SYMBOL + r"\(")
CALL_BY_POINTER = re.compile(r"(?:^|= )\s*invoke .*? %[\w.]+\(")
LABEL = re.compile(r"^([-\w.$]+|\"[^\"]+\"):")
UNWIND = re.compile(r"unwind label %([-\w.$]+|\"[^\"]+\")")
VTABLE = re.compile(r'^@(_ZTV[-\w.$]+) = .*(?:constant|global) (.*)$')
ATTRIBUTES = re.compile(r"^attributes #(\d+) = \{(.*)\}")
DEBUG = re.compile(r"!dbg !(\d+)")
METADATA = re.compile(r"^!(\d+) = (?:distinct )?!(DI\w+)\((.*)\)$")
DESTRUCTOR = re.compile(r"D[0-2]Ev$")


def symbol(match, first):
    return match.group(first) or match.group(first + 1)


def symbols(text):
    return [quoted or plain for quoted, plain in re.findall(SYMBOL, text)]


class Call:
    """One call: of what (None: by pointer), where, and the block that an exception would enter."""

    def __init__(self, target, debug, pad, nounwind):
        self.target = target
        self.debug = debug
        self.pad = pad
        self.nounwind = nounwind


class Function:
    """A function's body, as far as the rules need it."""

    def __init__(self, module, name, nounwind, debug):
        self.module = module
        self.name = name
        self.nounwind = nounwind
        self.debug = debug
        self.calls = []
        self.references = {}  # symbol: where it was first mentioned
        self.blocks = {"": []}

    def alive(self, pad):
        """The destructors that a landing pad runs, and whether it ends a catch block."""
        seen, todo, found = set(), [pad], []
        while todo:
            label = todo.pop()
            if label in seen:
                continue
            seen.add(label)
            for line in self.blocks.get(label, []):
                found += [name for name in symbols(line) if DESTRUCTOR.search(name)]
                found += [name for name in symbols(line) if name == "__cxa_end_catch"]
                todo += re.findall(r"label %([-\w.$]+)", line)
        return found


class Module:
    """One translation unit."""

    def __init__(self, path):
        self.functions = {}  # by name, those of internal linkage included
        self.internal = set()
        self.declared = {}  # name: whether it cannot throw
        self.vtables = {}
        self.metadata = {}
        self.attributes = {}
        with open(path, encoding="utf-8", errors="replace") as text:
            self.read(text.read().splitlines())

    def read(self, lines):
        for line in lines:
            match = ATTRIBUTES.match(line)
            if match:
                self.attributes[match.group(1)] = "nounwind" in match.group(2).split()
            match = METADATA.match(line)
            if match:
                self.metadata[match.group(1)] = (match.group(2), match.group(3))
        function = None
        for number, line in enumerate(lines):
            if function is not None:
                if line == "}":
                    function = None
                else:
                    following = lines[number + 1] if " invoke " in " " + line else ""
                    self.read_line(function, line, following)
            elif line.startswith("define"):
                function = self.read_define(line)
            elif line.startswith("declare"):
                match = DECLARE.match(line)
                self.declared[symbol(match, 1)] = self.cannot_throw(match.group(3))
            elif line.startswith("@_ZTV"):
                match = VTABLE.match(line)
                if match:
                    self.vtables[match.group(1)] = symbols(match.group(2))

    def cannot_throw(self, text):
        groups = re.findall(r" #(\d+)", text)
        return bool(groups) and self.attributes.get(groups[-1], False)

    def read_define(self, line):
        match = DEFINE.match(line)
        name = symbol(match, 2)
        debug = DEBUG.search(line)
        function = Function(self, name, self.cannot_throw(match.group(4)), debug and debug.group(1))
        self.functions[name] = function
        if "internal" in match.group(1).split() or "private" in match.group(1).split():
            self.internal.add(name)
        return function

    def read_line(self, function, line, following):
        label = LABEL.match(line)
        if label:
            function.blocks[label.group(1)] = []
            return
        function.blocks[next(reversed(function.blocks))].append(line)
        debug = DEBUG.search(line + following)
        debug = debug and debug.group(1)
        call = CALL.search(line)
        unwind = UNWIND.search(following)
        pad = unwind and unwind.group(1)
        # A noexcept function's own pad ends the process and destroys nothing.
        if pad and pad.startswith("terminate."):
            pad = None
        if call:
            nounwind = self.cannot_throw(line[call.end() :])
            function.calls.append(Call(symbol(call, 2), debug, pad, nounwind))
        elif CALL_BY_POINTER.search(line):
            function.calls.append(Call(None, debug, pad, True))
        for name in symbols(line):
            function.references.setdefault(name, debug)

    def place(self, debug):
        """(file, line) of a debug location."""
        kind, text = self.metadata.get(debug, (None, ""))
        line = re.search(r"line: (\d+)", text)
        line = int(line.group(1)) if line else 0
        while kind is not None:
            file = re.search(r"file: !(\d+)", text)
            if file:
                name = re.search(r'filename: "([^"]*)"', self.metadata[file.group(1)][1])
                return name.group(1), line
            scope = re.search(r"scope: !(\d+)", text)
            kind, text = self.metadata.get(scope.group(1), (None, "")) if scope else (None, "")
        return "", line


def library_symbols():
    names = set()
    for library in LIBRARIES:
        path = subprocess.run(["g++", f"-print-file-name={library}"],
            check=True, capture_output=True, text=True).stdout.strip()
        table = subprocess.run(["nm", "-D", "--defined-only", path],
            check=True, capture_output=True, text=True).stdout
        names |= {line.split()[-1].split("@")[0] for line in table.splitlines()}
    return names


@functools.lru_cache(maxsize=None)
def demangle(name):
    text = subprocess.run(["c++filt", name], check=True, capture_output=True, text=True).stdout
    text = text.strip().replace("(anonymous namespace)::", "")
    text = re.sub(r"std::__cxx11::basic_string<char, .*?> ?>", "std::string", text)
    text = re.sub(r"^(?:\w+ )*?(?=sqs_fdw::)", "", text)
    return text.replace("sqs_fdw::pg::", "").replace("sqs_fdw::", "")


def short(name):
    """A function's name without its parameters and return type."""
    if name.startswith(("errstart", "errfinish", "errmsg", "errcode", "errdetail", "errhint")):
        return "ereport"
    text = demangle(name)
    for guard in ("GuardNoRaise<", "Guard<"):
        if guard in text:
            return guard[:-1]
    if "{lambda" in text:
        return "a lambda of " + re.split(r"[(]", text)[0].split(" ")[-1]
    text = re.sub(r"\[abi:\w+\]", "", text)
    depth, end = 0, len(text)
    for at, character in enumerate(text):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "(" and depth == 0:
            end = at
            break
    text, kept, depth = text[:end], "", 0
    for character in text:
        depth += character == "<"
        kept += character if depth == 0 else ""
        depth -= character == ">"
    return kept.split(" ")[-1]


def is_ours(file):
    return not os.path.isabs(file) and file != ""


class Program:
    """All translation units, and who reaches what."""

    def __init__(self, modules):
        self.modules = modules
        self.external = {}
        self.vtables = {}
        for module in modules:
            self.vtables.update(module.vtables)
            for name, function in module.functions.items():
                if name not in module.internal:
                    self.external.setdefault(name, function)
        self.libraries = library_symbols()
        self.functions = [f for m in modules for f in m.functions.values()]
        self.callers = {}
        for function in self.functions:
            for name in self.mentions(function):
                callee = self.find(function.module, name)
                if callee is not None:
                    self.callers.setdefault(id(callee), []).append(function)
        self.raising = self.closure_up(
            f for f in self.functions if any(self.is_server(f, n) for n in f.references))
        self.phase = self.closure_down(f for f in self.functions if f.name.startswith(PHASE))
        self.throwing = self.find_throwing()

    def find(self, module, name):
        return module.functions.get(name) or self.external.get(name)

    def mentions(self, function):
        for name in function.references:
            yield name
            yield from self.vtables.get(name, ())

    def is_server(self, function, name):
        """Whether the server is what defines this function."""
        return (name in function.module.declared and name not in HARMLESS
            and name not in self.libraries and not name.startswith(("_Z", "llvm."))
            and self.find(function.module, name) is None)

    def closure_up(self, start):
        """Those functions and all that mention them, but not what only Guard runs."""
        reached, todo = {}, list(start)
        while todo:
            function = todo.pop()
            if id(function) in reached:
                continue
            reached[id(function)] = function
            if not function.name.startswith(PHASE):
                todo += self.callers.get(id(function), [])
        return reached

    def closure_down(self, start):
        """Those functions and all that they mention: each with the one that led to it."""
        reached, todo = {}, [(function, None) for function in start]
        while todo:
            function, origin = todo.pop(0)
            if id(function) in reached:
                continue
            reached[id(function)] = (function, origin)
            for name in self.mentions(function):
                callee = self.find(function.module, name)
                if callee is not None:
                    todo.append((callee, function))
        return reached

    def may_throw(self, function, call):
        """Whether the call itself may; for functions with a body only if they are known to."""
        if call.nounwind:
            return False
        callee = self.find(function.module, call.target)
        if callee is not None:
            return id(callee) in self.throwing
        return call.target.startswith(("_Z", "__cxa_throw", "__cxa_rethrow")) and (
            not function.module.declared.get(call.target, False))

    def find_throwing(self):
        self.throwing = {}
        grown = True
        while grown:
            grown = False
            for function in self.functions:
                if id(function) in self.throwing or function.nounwind:
                    continue
                cause = next((c for c in function.calls if self.may_throw(function, c)), None)
                if cause is not None:
                    self.throwing[id(function)] = cause
                    grown = True
        return self.throwing

    # The rules. Each yields (file, line, rule, text).

    def server_calls_in_cpp_phases(self):
        for function, origin in self.phase.values():
            for name, debug in function.references.items():
                if not self.is_server(function, name):
                    continue
                # An inline function of the server's headers is reported where ours calls it.
                user, where, at = origin, function.module.place(debug), function
                while not is_ours(where[0]) and user is not None:
                    where, at = user.module.place(user.references.get(at.name)), user
                    user = self.phase[id(user)][1]
                yield (*where, "cpp-phase",
                    f"{short(name)} is called in a C++ phase ({short(at.name)}): a server error there "
                    "skips every destructor; call it before or after Guard")

    def may_raise(self, function, call):
        """Whether the call may reach the server; by pointer, if the function itself is its kind."""
        if call.target is None:
            return id(function) in self.raising and id(function) not in self.phase
        callee = self.find(function.module, call.target)
        return self.is_server(function, call.target) or (
            callee is not None and id(callee) in self.raising)

    def live_objects(self):
        for function in self.functions:
            for call in function.calls:
                if call.pad is None:
                    continue
                if not self.may_raise(function, call):
                    continue
                alive = function.alive(call.pad)
                what = "an open catch block" if "__cxa_end_catch" in alive else (
                    f"an object of {short(alive[0]).rsplit('::', 1)[0]}" if alive
                    else "memory of operator new")
                called = short(call.target) if call.target else "a function by pointer"
                yield (*function.module.place(call.debug), "live-object",
                    f"{called} is called across {what}: a server error there leaks "
                    "it; keep it inside Guard")

    def throws_in_server_phases(self):
        for function in self.functions:
            entered = not function.name.startswith("_Z") and (
                function.name not in function.module.internal)
            if id(function) not in self.raising and not entered or id(function) in self.phase:
                continue
            for call in function.calls:
                callee = self.find(function.module, call.target)
                reported = callee is not None and id(callee) in self.raising
                if not reported and not function.nounwind and self.may_throw(function, call):
                    yield (*function.module.place(call.debug), "throw",
                        f"{short(call.target)} may throw in a server phase "
                        f"({short(function.name)}): the server knows no exceptions; "
                        "wrap it in Guard")
            yield from self.throwing_callbacks(function)

    def throwing_callbacks(self, function):
        """What a server phase hands to the server as a callback must not throw either."""
        called = {call.target for call in function.calls}
        for name, debug in function.references.items():
            callee = self.find(function.module, name)
            if callee is None or name in called or name.startswith(PHASE):
                continue
            if id(callee) in self.throwing and id(callee) not in self.raising:
                yield (*function.module.place(debug), "throw",
                    f"{short(name)} may throw and is handed to C code ({short(function.name)}): "
                    "make it noexcept, or wrap its body in Guard")


def main():
    program = Program([Module(path) for path in sys.argv[1:]])
    if not program.phase:
        sys.exit("phases.py: no C++ phase was found: is internal::Invoke still its name?")
    found = {*program.server_calls_in_cpp_phases(), *program.live_objects(),
        *program.throws_in_server_phases()}
    for file, line, rule, text in sorted(found):
        print(f"{file}:{line}: [{rule}] {text}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
