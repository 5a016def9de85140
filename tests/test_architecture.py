"""The rules of the tree: which part may import which, and what may be used where. The lists are the architecture."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import oneai

ROOT = Path(oneai.__file__).parent
LARGE_FILE, LARGE_FUNCTION = 300, 40

FOUNDATION = {"errors", "types", "frozen", "logs", "ids"}
CORE = FOUNDATION | {"store contract", "profiles"}
MAY_IMPORT = {
    "oneai": set(),
    "command": {"cli"},
    "frozen": set(),
    "types": {"frozen"},
    "ids": set(),
    "logs": set(),
    "errors": {"types"},
    "config": FOUNDATION,
    "client": FOUNDATION,
    "profiles": FOUNDATION,
    "store contract": FOUNDATION,
    "store": FOUNDATION | {"store contract"},
    "core": CORE - {"ids"},  # fresh ids are handed in, as time and chance are
    "upstream": FOUNDATION | {"core"},
    "ocr": FOUNDATION,  # a program of its own, that knows nothing of the gateway
    "runtime": CORE | {"core", "upstream", "store", "config"},
    "gateway": CORE | {"core", "runtime", "config", "oneai"},
    "cli": CORE | {"core", "runtime", "upstream", "store", "config", "client", "gateway", "ocr", "oneai"},
}
"""Down only: cli, gateway → runtime → core, upstream → store contract, profiles → types, errors."""

ONLY_IN = {
    "aiohttp": ("gateway/", "upstream/", "ocr/", "client.py", "runtime/"),
    "typer": ("cli/",),
    "click": ("cli/",),
    "rich": ("cli/",),
    "supabase": ("store/supabase/",),
    "postgrest": ("store/supabase/",),
    "httpx": ("store/supabase/",),
    "sqlite3": ("store/", "cli/db/"),
    "tesserocr": ("ocr/",),
    "dotenv": ("config.py",),
    "uvloop": ("gateway/", "cli/", "ocr/", "runtime/"),
}
NOT_IN_CORE = {"time", "random", "secrets", "os", "socket", "sqlite3", "pathlib", "tempfile", "subprocess", "threading"}
"""The rules have no clock, no chance, no disk and no environment of their own."""

READS_ENVIRON = {
    "config.py": "the one place",
    "ocr/worker.py": "sets Tesseract's OMP_THREAD_LIMIT, which is read when the library is loaded",
    "cli/db/psql.py": "hands psql what it needs to run (PATH, HOME, locale), and no setting of ours",
    "ocr/traineddata.py": "TESSDATA_PREFIX is Tesseract's own, and the OCR server runs without our Settings",
}
CATCHES_ALL = {
    "gateway/app.py": "outermost of a request: logged, and answered as internal_error",
    "runtime/loops.py": "outermost of a background task: logged, and run again",
    "cli/entry.py": "outermost of a command: told, and exit 1",
    "ocr/faults.py": "outermost of a request to the OCR server",
}
IMPORTS_LATE = {
    "cli/": "`oneai --help` stays fast: a command imports what it alone needs",
    "store/__init__.py": "a backend is imported when it is opened, and imports this contract itself",
    "ocr/worker.py": "Tesseract is an extra, and is loaded in the worker's process only",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One `import` of a module: what it names, and whether it is done when the module is."""

    target: str
    line: int
    late: bool
    typing_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file, by its path below oneai/ and its dotted name."""

    path: str
    name: str
    lines: int
    tree: ast.Module
    imports: tuple[Import, ...]

    @property
    def part(self) -> str:
        return part_of(self.name)


def part_of(name: str) -> str:
    """The part of the architecture that a dotted name belongs to."""
    if name == "oneai.__main__":
        return "command"
    if name == "oneai" or name.startswith("oneai.__"):
        return "oneai"
    if name == "oneai.store":
        return "store contract"
    return name.split(".")[1]


def loaded(root: Path = ROOT) -> list[Module]:
    names = {dotted(path, root) for path in root.rglob("*.py")}
    return [module(path, root, names) for path in sorted(root.rglob("*.py"))]


def dotted(path: Path, root: Path) -> str:
    return ".".join(("oneai", *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")


def module(path: Path, root: Path, names: set[str]) -> Module:
    source = path.read_text()
    tree = ast.parse(source)
    name = dotted(path, root)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return Module(
        path=path.relative_to(root).as_posix(),
        name=name,
        lines=source.count("\n"),
        tree=tree,
        imports=tuple(imports(tree, package, names)),
    )


def imports(
    node: ast.AST, package: str, names: set[str], *, late: bool = False, typing_only: bool = False
) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            for target in targets(child, package, names):
                yield Import(target=target, line=child.lineno, late=late, typing_only=typing_only)
            continue
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        guard = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        yield from imports(child, package, names, late=late or inside, typing_only=typing_only or guard)


def targets(node: ast.Import | ast.ImportFrom, package: str, names: set[str]) -> Iterator[str]:
    """The modules that a statement names: `from oneai.core import chain` names oneai.core.chain."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    origin = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        whole = f"{origin}.{alias.name}"
        yield whole if whole in names or (origin == "oneai" and alias.name.startswith("__")) else origin


def forbidden(modules: list[Module]) -> list[str]:
    """Imports of ours that point up or sideways, TYPE_CHECKING's too: to know a type is to depend on it."""
    return [
        f"{each.path}:{found.line} {each.part} may not import {found.target}"
        for each in modules
        for found in each.imports
        if found.target.partition(".")[0] == "oneai"
        and part_of(found.target) != each.part
        and part_of(found.target) not in MAY_IMPORT[each.part]
        and not is_own_contract(each, found)
    ]


def is_own_contract(each: Module, found: Import) -> bool:
    """The contract opens its backends, late."""
    return each.name == "oneai.store" and found.late and part_of(found.target) == "store"


def misplaced(modules: list[Module]) -> list[str]:
    return [
        f"{each.path}:{found.line} {top}"
        for each in modules
        for found in each.imports
        if (top := found.target.partition(".")[0]) in ONLY_IN and not each.path.startswith(ONLY_IN[top])
    ]


def cycles(modules: list[Module]) -> list[str]:
    """Modules that need themselves while they are imported."""
    needs = {
        each.name: {found.target for found in each.imports if not found.late and not found.typing_only}
        for each in modules
    }
    return sorted(name for name in needs if name in reached(needs, needs[name]))


def reached(needs: dict[str, set[str]], start: set[str]) -> set[str]:
    seen: set[str] = set()
    ahead = list(start)
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead.extend(needs.get(name, ()))
    return seen


def places(modules: list[Module], is_one: Callable[[ast.AST], bool]) -> dict[str, list[int]]:
    """Where in which files there is such a node."""
    found = {each.path: [getattr(n, "lineno", 0) for n in ast.walk(each.tree) if is_one(n)] for each in modules}
    return {path: lines for path, lines in found.items() if lines}


def reads_environ(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(alias.name.startswith(("environ", "getenv")) for alias in node.names)
    return (
        isinstance(node, ast.Attribute)
        and node.attr in ("environ", "environb", "getenv", "getenvb")
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    )


def catches_all(node: ast.AST) -> bool:
    """A handler of every exception that doesn't raise it again."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    broad = any(each is None or (isinstance(each, ast.Name) and each.id in BROAD) for each in caught)
    last = node.body[-1]
    return broad and not (isinstance(last, ast.Raise) and last.exc is None)


BROAD = ("Exception", "BaseException")
MODULES = loaded()


def test_every_part_of_the_tree_is_known_to_the_architecture() -> None:
    assert {each.part for each in MODULES} <= MAY_IMPORT.keys()


def test_imports_point_down_only() -> None:
    assert forbidden(MODULES) == []


def test_a_part_that_may_import_another_is_not_imported_by_it() -> None:
    pairs = [(up, down) for up, downs in MAY_IMPORT.items() for down in downs if up in MAY_IMPORT[down]]

    assert pairs == []


def test_libraries_stay_where_they_belong() -> None:
    assert misplaced(MODULES) == []


def test_core_has_no_clock_no_chance_no_disk_and_no_environment() -> None:
    used = {
        f"{each.path}:{found.line} {found.target}"
        for each in MODULES
        if each.part == "core"
        for found in each.imports
        if found.target.partition(".")[0] in NOT_IN_CORE
    }

    assert used == set()


def test_no_module_needs_itself_while_it_is_imported() -> None:
    assert cycles(MODULES) == []


def test_the_environment_is_read_in_one_place() -> None:
    found = places(MODULES, reads_environ)

    assert "config.py" in found
    assert {path: lines for path, lines in found.items() if path not in READS_ENVIRON} == {}


def test_every_exception_is_caught_in_the_outermost_places_only() -> None:
    found = places(MODULES, catches_all)

    assert "gateway/app.py" in found
    assert {path: lines for path, lines in found.items() if path not in CATCHES_ALL} == {}


def test_an_outermost_place_catches_all_once() -> None:
    assert {path for path, lines in places(MODULES, catches_all).items() if len(lines) > 1} == set()


def test_imports_inside_functions_are_where_something_heavy_is_put_off() -> None:
    late = [
        f"{each.path}:{found.line} {found.target}"
        for each in MODULES
        for found in each.imports
        if found.late and not each.path.startswith(tuple(IMPORTS_LATE))
    ]

    assert late == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    stems = {Path(each.path).stem for each in MODULES}

    assert stems & {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"} == set()


def test_no_function_rebinds_a_name_of_its_module() -> None:
    assert places(MODULES, lambda node: isinstance(node, ast.Global)) == {}


@pytest.mark.parametrize("each", MODULES, ids=lambda each: each.path)
def test_every_module_says_what_it_is_for(each: Module) -> None:
    assert ast.get_docstring(each.tree) or not each.tree.body


def test_sizes_are_told_and_never_fail(capsys: pytest.CaptureFixture[str]) -> None:
    functions = [
        (each.path, node.name, (node.end_lineno or 0) - node.lineno + 1)
        for each in MODULES
        for node in ast.walk(each.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert functions
    with capsys.disabled():
        for each in MODULES:
            if each.lines > LARGE_FILE:
                print(f"\n  large file: oneai/{each.path}, {each.lines} lines", end="")
        for path, name, lines in functions:
            if lines > LARGE_FUNCTION:
                print(f"\n  large function: oneai/{path} {name}, {lines} lines", end="")


# The checks themselves, on a tree that breaks each rule


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., list[Module]]:
    def made(**files: str) -> list[Module]:
        for name, source in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return loaded(tmp_path)

    return made


Tree = Callable[..., list[Module]]


@pytest.mark.parametrize(
    "statement",
    [
        "from oneai.upstream.client import Upstream",
        "from oneai.store.sqlite import connect",
        "import oneai.runtime",
        "from oneai.gateway import app",
        "def f():\n    from oneai import config",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from oneai.cli import app",
        "from ..upstream import client",
        "from oneai import ids",
    ],
)
def test_an_import_upwards_is_found(statement: str, tree: Tree) -> None:
    modules = tree(
        core__chain=statement, ids="", config="", upstream__client="", store__sqlite="", gateway__app="", cli__app=""
    )

    assert len(forbidden(modules)) == 1


def test_the_store_contract_is_no_concrete_store(tree: Tree) -> None:
    modules = tree(core__chain="from oneai.store import Store", store____init__="", store__memory="import oneai.store")

    assert forbidden(modules) == []


def test_a_library_out_of_its_place_is_found(tree: Tree) -> None:
    modules = tree(core__chain="import aiohttp.web", gateway__app="import aiohttp", config="from rich import print")

    assert misplaced(modules) == ["config.py:1 rich", "core/chain.py:1 aiohttp"]


def test_a_cycle_is_found_and_a_late_import_is_none(tree: Tree) -> None:
    modules = tree(
        core__a="from oneai.core import b",
        core__b="from oneai.core.c import x",
        core__c="import oneai.core.a",
        core__d="def f():\n    from oneai.core import e",
        core__e="from oneai.core import d",
    )

    assert cycles(modules) == ["oneai.core.a", "oneai.core.b", "oneai.core.c"]


@pytest.mark.parametrize(
    "handler", ["except Exception", "except BaseException as exc", "except", "except (A, Exception)"]
)
def test_a_handler_of_everything_is_found_unless_it_raises_again(handler: str, tree: Tree) -> None:
    modules = tree(
        core__a=f"try:\n    x\n{handler}:\n    pass",
        core__b=f"try:\n    x\n{handler}:\n    log()\n    raise",
        core__c="try:\n    x\nexcept (ValueError, OSError):\n    pass",
    )

    assert places(modules, catches_all) == {"core/a.py": [3]}


@pytest.mark.parametrize(
    "source", ["import os\nx = os.environ", "import os\nos.getenv('A')", "\nfrom os import environ"]
)
def test_a_look_at_the_environment_is_found(source: str, tree: Tree) -> None:
    assert places(tree(core__a=source), reads_environ) == {"core/a.py": [2]}
