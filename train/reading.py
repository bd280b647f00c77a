"""YAML to frozen dataclasses: unknown keys, wrong kinds and missing values are named with file, line and what was expected."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml

from corpuskit.errors import PlanError

T = TypeVar("T")


class SettingError(PlanError):
    """A setting of the training configuration is wrong."""


def read_settings(kind: type[T], path: Path, overrides: list[str]) -> T:
    """An instance of `kind` from a YAML file.

    Args:
        kind: A dataclass whose fields are dataclasses, tuples, dictionaries, literals, numbers, strings or paths.
        path: The file.
        overrides: `section.key=value`; the value is YAML too.

    Raises:
        SettingError: With `file:line:column` or the override as its place.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise SettingError(str(path), f"cannot be read ({(error.strerror or str(error)).lower()})") from error
    root = compose(text, str(path))
    if not isinstance(root, yaml.MappingNode):
        raise SettingError(str(path), "expected sections (`model:`, `data:`, …)")
    for override in overrides:
        apply(root, override)
    value: T = build(kind, root, "")
    return value


def compose(text: str, name: str) -> yaml.Node | None:
    """The syntax tree of a YAML text; anchors and tags of other kinds than plain data are refused by the safe loader."""
    loader = yaml.SafeLoader(text)
    loader.name = name
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise SettingError(place, f"is not YAML: {error.problem}") from error
    finally:
        loader.dispose()


def apply(root: yaml.MappingNode, override: str) -> None:
    """Puts one `section.key=value` into the tree."""
    dotted, equals, text = override.partition("=")
    if not equals or not all(dotted.split(".")):
        raise SettingError(f"--set {override}", "expected section.key=value")
    value = compose(text or "null", f"--set {dotted}")
    if value is None:
        raise SettingError(f"--set {override}", "has no value")
    node = root
    *sections, last = dotted.split(".")
    for section in sections:
        found = next((child for key, child in node.value if key.value == section), None)
        if not isinstance(found, yaml.MappingNode):
            found = yaml.MappingNode("tag:yaml.org,2002:map", [], value.start_mark, value.end_mark)
            node.value = [pair for pair in node.value if pair[0].value != section]
            node.value.append((yaml.ScalarNode("tag:yaml.org,2002:str", section, value.start_mark), found))
        node = found
    node.value = [pair for pair in node.value if pair[0].value != last]
    node.value.append((yaml.ScalarNode("tag:yaml.org,2002:str", last, value.start_mark), value))


def place(node: yaml.Node) -> str:
    """Where a node stands."""
    mark = node.start_mark
    return f"{mark.name}:{mark.line + 1}:{mark.column + 1}"


def build(kind: Any, node: yaml.Node, at: str) -> Any:
    """The value of a node as the annotated kind asks for."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return build_class(kind, node, at)
    if origin in (types.UnionType, typing.Union):
        return build_any(arguments, node, at)
    if origin is tuple:
        return build_tuple(arguments, node, at)
    if origin is dict:
        if not isinstance(node, yaml.MappingNode):
            raise wrong(node, at, "a mapping")
        return {key.value: build(arguments[1], value, f"{at}.{key.value}") for key, value in node.value}
    if not isinstance(node, yaml.ScalarNode):
        raise wrong(node, at, wording(kind))
    return build_scalar(kind, origin, arguments, node, at)


def build_class(kind: Any, node: yaml.Node, at: str) -> Any:
    """A dataclass from a mapping."""
    if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
        node = yaml.MappingNode("tag:yaml.org,2002:map", [], node.start_mark, node.end_mark)
    if not isinstance(node, yaml.MappingNode):
        raise wrong(node, at, "a section with keys")
    hints = typing.get_type_hints(kind)
    values = {}
    for key, value in node.value:
        name = key.value
        inner = f"{at}.{name}".lstrip(".")
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=1)
            expected = ", ".join(f"`{known}`" for known in hints)
            hint = f"did you mean `{near[0]}`?" if near else None
            raise SettingError(place(key), f"unknown key `{inner}`, expected {expected}", hint)
        if name in values:
            raise SettingError(place(key), f"`{inner}` stands there twice")
        values[name] = build(hints[name], value, inner)
    for spec in dataclasses.fields(kind):
        if (
            spec.default is dataclasses.MISSING
            and spec.default_factory is dataclasses.MISSING
            and spec.name not in values
        ):
            raise SettingError(place(node), f"`{at}.{spec.name}`".replace("`.", "`") + " is missing")
    return kind(**values)


def build_any(kinds: tuple[Any, ...], node: yaml.Node, at: str) -> Any:
    """The first of several kinds that fits."""
    null = isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")
    if null and type(None) in kinds:
        return None
    errors = []
    for kind in kinds:
        if kind is not type(None):
            try:
                return build(kind, node, at)
            except SettingError as error:
                errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise wrong(node, at, " or ".join(wording(kind) for kind in kinds))


def build_tuple(arguments: tuple[Any, ...], node: yaml.Node, at: str) -> tuple[Any, ...]:
    """A list of one kind, or of fixed length."""
    if not isinstance(node, yaml.SequenceNode):
        raise wrong(node, at, "a list")
    items = node.value
    if arguments[-1] is Ellipsis:
        return tuple(build(arguments[0], item, f"{at}[{number}]") for number, item in enumerate(items))
    if len(items) != len(arguments):
        raise wrong(node, at, f"a list of {len(arguments)}")
    return tuple(
        build(kind, item, f"{at}[{number}]") for number, (kind, item) in enumerate(zip(arguments, items, strict=True))
    )


def build_scalar(kind: Any, origin: Any, arguments: tuple[Any, ...], node: yaml.ScalarNode, at: str) -> Any:
    """A number, string, switch, path or one of a few words."""
    text = node.value
    if origin is typing.Literal:
        for word in arguments:
            if word == text:
                return word
        # the seeds write "AdamW" and "cosine with warmup"
        translated = {"AdamW": "adamw", "cosine with warmup": "cosine"}.get(text)
        if translated in arguments:
            return translated
        raise wrong(node, at, wording(kind))
    if kind is bool:
        if node.tag.endswith(":bool"):
            return text.lower() in ("true", "yes", "on")
    elif kind in (int, float):
        # YAML 1.1 reads 2e-5 as a string, so the text decides
        try:
            return kind(text.replace("_", ""))
        except ValueError:
            pass
    elif not node.tag.endswith(":null"):
        return kind(text)
    raise wrong(node, at, wording(kind))


def wording(kind: Any) -> str:
    """What a kind is called in a message."""
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{word}`" for word in typing.get_args(kind))
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a string", Path: "a path"}
    return names.get(
        kind, "null" if kind is type(None) else "a list" if typing.get_origin(kind) is tuple else "a section"
    )


def wrong(node: yaml.Node, at: str, expected: str) -> SettingError:
    """The error for a value of the wrong kind."""
    shown = (
        f"`{node.value}`"
        if isinstance(node, yaml.ScalarNode)
        else "a list"
        if isinstance(node, yaml.SequenceNode)
        else "a mapping"
    )
    return SettingError(place(node), f"`{at}` is {shown}, expected {expected}")
