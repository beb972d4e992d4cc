"""Measures the shape of our packages' source and prints what passes a limit.

    python tests/structure.py            offenders, then one line of JSON with the totals
    python tests/structure.py bot        of one package or folder only

The limits stand in LIMITS, files that may pass one in EXCEPTIONS with the reason;
`tests/test_structure.py` holds both.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "bot",
    "canon",
    "characters",
    "engine",
    "evaluation",
    "hub",
    "quantize",
    "speech",
    "text",
    "trainer",
)

LIMITS = {
    "file lines": 450,
    "class methods": 20,
    "class attributes": 15,
    "function lines": 60,
    "function parameters": 7,  # self and cls not counted
}
BROAD_PER_THOUSAND = 0.4  # `except Exception` and wider, a thousand lines
TESTED = 0.75  # share of source files that have a test file of the same name

# (limit, place) -> why it is better as it is. Five at most.
EXCEPTIONS: dict[tuple[str, str], str] = {}

# Classes that only hold values: their attributes are columns, not state.
_VALUES = {"Protocol", "NamedTuple", "TypedDict", "Enum", "IntEnum", "StrEnum"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Finding:
    """A place that passes a limit, with what was measured there."""

    limit: str
    place: str
    measured: int

    def __str__(self) -> str:
        return f"{self.limit:<20} {self.measured:>5}  {self.place}"


@dataclass(slots=True)
class Survey:
    """What was measured over all files."""

    findings: list[Finding] = field(default_factory=list)
    cycles: list[tuple[str, ...]] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)  # imports inside functions
    broad: list[str] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    files: int = 0
    lines: int = 0

    @property
    def broad_per_thousand(self) -> float:
        return 1000 * len(self.broad) / max(self.lines, 1)

    @property
    def tested(self) -> float:
        return 1 - len(self.untested) / max(self.files, 1)


def sources(part: str = "") -> list[Path]:
    """All files of our packages, `mrp.py` included, or those below one folder."""
    files = [ROOT / "mrp.py", *(f for name in PACKAGES for f in (ROOT / name).rglob("*.py"))]
    return sorted(file for file in files if name_of(file).startswith(part))


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def nodes_of(file: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file, walked once."""
    return tuple(ast.walk(tree_of(file)))


def survey(part: str = "") -> Survey:
    """Measure all files below `part` (a prefix of their path from the root)."""
    found = Survey()
    files = sources(part)
    tests = {file.stem.removeprefix("test_") for file in (ROOT / "tests").rglob("test_*.py")}
    for file in files:
        text = file.read_text(encoding="utf-8")
        count = text.count("\n")
        found.lines += count
        if count > LIMITS["file lines"]:
            found.findings.append(Finding("file lines", name_of(file), count))
        found.findings += _limits_passed(file)
        found.unexplained += _unexplained_imports(file, text)
        found.broad += _broad_excepts(file)
        if tree_of(file).body[1:] and file.name not in ("__init__.py", "__main__.py"):
            found.files += 1
            if not _names(file) & tests:
                found.untested.append(name_of(file))
    found.cycles = cycles(sources())
    return found


def _names(file: Path) -> set[str]:
    """Names of a test file for this one: `line`, or `room_line` for bot/room/line.py."""
    return {file.stem, f"{file.parent.name}_{file.stem}"}


def _limits_passed(file: Path) -> Iterator[Finding]:
    place = name_of(file)
    for node in nodes_of(file):
        if isinstance(node, Function):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield from _over("function lines", f"{place}:{node.name}", lines)
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            number = len([one for one in given if one.arg not in ("self", "cls")])
            yield from _over("function parameters", f"{place}:{node.name}", number)
        elif isinstance(node, ast.ClassDef):
            methods = {one.name for one in node.body if isinstance(one, Function)}
            yield from _over("class methods", f"{place}:{node.name}", len(methods))
            if not _holds_values(node):
                number = len(_attributes(node))
                yield from _over("class attributes", f"{place}:{node.name}", number)


def _over(limit: str, place: str, measured: int) -> Iterator[Finding]:
    if measured > LIMITS[limit]:
        yield Finding(limit, place, measured)


def _holds_values(node: ast.ClassDef) -> bool:
    names = {_last_name(base) for base in node.bases}
    names |= {
        _last_name(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list
    }
    return bool(names & (_VALUES | {"dataclass"}))


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _attributes(node: ast.ClassDef) -> set[str]:
    """Names that methods of a class set on `self`."""
    return {
        inner.attr
        for method in node.body
        if isinstance(method, Function)
        for inner in ast.walk(method)
        if isinstance(inner, ast.Attribute)
        and isinstance(inner.ctx, ast.Store)
        and isinstance(inner.value, ast.Name)
        and inner.value.id == "self"
    }


def _unexplained_imports(file: Path, text: str) -> Iterator[str]:
    """Imports inside functions without a comment on their line or right above."""
    if not re.search(r"^\s+(?:import|from) ", text, re.MULTILINE):
        return  # most files have none, and their tokens need not be read
    comments = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    for node in nodes_of(file):
        if not isinstance(node, Function):
            continue
        above = -1
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                # One comment serves a block of imports.
                reasons = set(range(inner.lineno - 1, (inner.end_lineno or inner.lineno) + 1))
                if comments & reasons or above in reasons:
                    above = inner.end_lineno or inner.lineno
                    continue
                yield f"{name_of(file)}:{inner.lineno}"


def _broad_excepts(file: Path) -> Iterator[str]:
    for node in nodes_of(file):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {_last_name(kind) if kind else "" for kind in kinds}
            again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in node.body)
            if names & {"", "Exception", "BaseException"} and not again:
                yield f"{name_of(file)}:{node.lineno}"


# -- cycles ------------------------------------------------------------------------------------


def imports_of(file: Path, modules: dict[str, Path]) -> set[Path]:
    """Our files that a file imports, inside functions and under TYPE_CHECKING too."""
    parents = file.relative_to(ROOT).parent.parts
    found: set[Path] = set()
    for node in nodes_of(file):
        if isinstance(node, ast.Import):
            found |= {modules[alias.name] for alias in node.names if alias.name in modules}
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, (start, node.module or "")))
            for alias in node.names:
                if f"{base}.{alias.name}" in modules:
                    found.add(modules[f"{base}.{alias.name}"])
                elif base in modules:
                    found.add(modules[base])
        elif isinstance(node, ast.Call) and _last_name(node.func) == "import_module":
            # importlib.import_module("x") is an import too.
            given = [one.value for one in node.args[:1] if isinstance(one, ast.Constant)]
            found |= {modules[name] for name in given if name in modules}
    return found - {file}


def cycles(files: list[Path]) -> list[tuple[str, ...]]:
    """Groups of files that import each other, by Tarjan's algorithm."""
    modules = {
        name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", "."): file
        for file in files
    }
    edges = {file: sorted(imports_of(file, modules)) for file in files}
    index: dict[Path, int] = {}
    low: dict[Path, int] = {}
    stack: list[Path] = []
    found: list[tuple[str, ...]] = []

    def visit(file: Path) -> None:
        index[file] = low[file] = len(index)
        stack.append(file)
        for other in edges[file]:
            if other not in index:
                visit(other)
                low[file] = min(low[file], low[other])
            elif other in stack:
                low[file] = min(low[file], index[other])
        if low[file] == index[file]:
            at = stack.index(file)
            group, stack[at:] = stack[at:], []
            if len(group) > 1:
                found.append(tuple(sorted(map(name_of, group))))

    for file in files:
        if file not in index:
            visit(file)
    return found


def main(argv: list[str]) -> int:
    part = argv[0].rstrip("/") if argv else ""
    found = survey(part)
    for finding in found.findings:
        reason = EXCEPTIONS.get((finding.limit, finding.place))
        print(finding, f"   ({reason})" if reason else "")
    rows = {"import cycle": [" ↔ ".join(c) for c in found.cycles]}
    rows |= {"import in a function": found.unexplained, "broad except": found.broad}
    rows |= {"no test of its name": found.untested}
    for kind, places in rows.items():
        for place in places:
            print(f"{kind:<27} {place}")
    totals = {
        "files": found.files,
        "lines": found.lines,
        "over a limit": len(found.findings),
        "exceptions": len(EXCEPTIONS),
        "import cycles": len(found.cycles),
        "imports in functions without a reason": len(found.unexplained),
        "broad excepts per 1000 lines": round(found.broad_per_thousand, 2),
        "tested by a file of the same name": round(found.tested, 3),
    }
    print(json.dumps(totals))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
