"""Reads the definition files of schemas/ into plain objects; schemas/README.md describes the format."""

import dataclasses
import os
import re

# Types of fixed size: the integer on the wire, in bytes, and the C++ type.
FIXED = {
    "i8": (1, "std::int8_t"),
    "i16": (2, "std::int16_t"),
    "i32": (4, "std::int32_t"),
    "i64": (8, "std::int64_t"),
    "u16": (2, "std::uint16_t"),
    "u32": (4, "std::uint32_t"),
    "f64": (8, "double"),
    "bool": (1, "bool"),
    "uuid": (16, "moldau::uuid"),
}
# The strong ids of core with the integer that stands for each on the wire.
IDS = {
    "errc": "i16",
    "offset": "i64",
    "leader_epoch": "i32",
    "partition_id": "i32",
    "broker_id": "i32",
    "producer_id": "i64",
    "producer_epoch": "i16",
}
VARIABLE = {"string", "bytes", "records"}
KINDS = ("request", "response", "header", "data", "record", "key", "value")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*$")
OPEN = 1 << 15


class SchemaError(Exception):
    """What is wrong with a definition, and where."""

    def __init__(self, where, message):
        super().__init__(f"{where[0]}:{where[1]}: {message}")


@dataclasses.dataclass(frozen=True)
class Versions:
    """A range of versions, both ends in it; empty when `low` is above `high`."""

    low: int
    high: int

    def clip(self, other):
        return Versions(max(self.low, other.low), min(self.high, other.high))

    def hull(self, other):
        return Versions(min(self.low, other.low), max(self.high, other.high))

    def covers(self, other):
        return self.low <= other.low and self.high >= other.high

    def __bool__(self):
        return self.low <= self.high

    def __iter__(self):
        return iter(range(self.low, self.high + 1))


NEVER = Versions(OPEN, -1)


@dataclasses.dataclass
class Field:
    name: str
    where: tuple
    type: str  # of the element, for an array
    array: bool
    versions: Versions
    nullable: Versions
    tag: int | None = None
    tagged: Versions = NEVER
    noncompact: bool = False
    default: str | None = None
    ignorable: bool = False
    struct: "Struct | None" = None


@dataclasses.dataclass
class Struct:
    name: str
    where: tuple
    versions: Versions
    fields: list


@dataclasses.dataclass
class Message:
    kind: str
    folder: str
    name: str
    where: tuple
    versions: Versions
    flexible: Versions
    unstable: bool
    id: int | None
    api: "Api | None"
    root: Struct
    structs: list  # nested ones, each after those that it uses


@dataclasses.dataclass
class Api:
    name: str  # as Kafka spells it
    key: int
    listeners: list
    where: tuple
    request: Message | None = None
    response: Message | None = None


def parse_versions(text, where, within=None):
    match = re.fullmatch(r"(\d+)(?:(\+)|-(\d+))?", text)
    if not match:
        raise SchemaError(where, f"'{text}' isn't a range of versions (3, 3-7 or 3+)")
    low = int(match[1])
    high = OPEN if match[2] else int(match[3] or low)
    if high < low:
        raise SchemaError(where, f"the versions {text} are empty")
    out = Versions(low, high)
    if within is not None:
        if out.low < within.low or (high != OPEN and high > within.high):
            raise SchemaError(where, f"the versions {text} go beyond {within.low}-{within.high} of what holds them")
        out = out.clip(within)
    return out


@dataclasses.dataclass
class Line:
    where: tuple
    depth: int
    words: list


def read_lines(path, shown):
    out = []
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            text = text.split("#", 1)[0].rstrip()
            if not text:
                continue
            where = (shown, number)
            indent = len(text) - len(text.lstrip(" "))
            if "\t" in text or indent % 2:
                raise SchemaError(where, "indent by two spaces a level")
            out.append(Line(where, indent // 2, text.split()))
    return out


class FileParser:
    """One definition file: an api with its request and response, or messages each on their own."""

    def __init__(self, path, shown, folder):
        self.lines = read_lines(path, shown)
        self.folder = folder
        self.stem = os.path.basename(path).removesuffix(".schema")
        self.shown = shown
        self.at = 0

    def parse(self):
        api = None
        messages = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            if line.depth != 0:
                raise SchemaError(line.where, "indented, but no message is open")
            word = line.words[0]
            if word == "api":
                api = self.api(line)
            elif word in KINDS:
                messages.append(self.message(line, api))
            else:
                raise SchemaError(line.where, f"'{word}' isn't one of api, {', '.join(KINDS)}")
        if not messages:
            raise SchemaError((self.shown, 1), "there is no message in this file")
        if api is not None and (api.request is None or api.response is None):
            raise SchemaError(api.where, "an api has a request and a response")
        return api, messages

    def api(self, line):
        words = line.words
        if len(words) < 4 or not words[2].isdigit():
            raise SchemaError(line.where, "expected: api <Name> <key> <listener>...")
        for listener in words[3:]:
            if listener not in ("broker", "controller"):
                raise SchemaError(line.where, f"'{listener}' isn't a listener (broker, controller)")
        return Api(words[1], int(words[2]), words[3:], line.where)

    def message(self, line, api):
        kind, *words = line.words
        identity = None
        if kind in ("record", "key", "value"):
            if not words or not words[0].isdigit():
                raise SchemaError(line.where, f"expected: {kind} <id> <versions>")
            identity = int(words.pop(0))
        if kind in ("request", "response"):
            if api is None:
                raise SchemaError(line.where, f"a {kind} needs an api line above it")
            identity = api.key
        if not words:
            raise SchemaError(line.where, "the versions are missing")
        versions = parse_versions(words.pop(0), line.where)
        if versions.high == OPEN:
            raise SchemaError(line.where, "a message's versions have an end")
        flexible = NEVER
        unstable = False
        while words:
            word = words.pop(0)
            if word == "flexible" and words:
                text = words.pop(0)
                flexible = versions if text == "all" else parse_versions(text, line.where, versions)
                if flexible.high != versions.high:
                    raise SchemaError(line.where, "flexible versions go on to the last")
            elif word == "unstable":
                unstable = True
            else:
                raise SchemaError(line.where, f"'{word}' is unknown here")
        suffix = f"_{kind}" if kind in ("request", "response", "key", "value") else ""
        name = self.stem + suffix
        shared = {}
        root = Struct(name, line.where, versions, [])
        root.fields = self.fields(1, versions, flexible, shared, top=True)
        structs = self.resolve(root, shared, flexible)
        out = Message(kind, self.folder, name, line.where, versions, flexible, unstable, identity, api, root, structs)
        if api is not None:
            if getattr(api, kind) is not None:
                raise SchemaError(line.where, f"a second {kind}")
            setattr(api, kind, out)
        return out

    def fields(self, depth, versions, flexible, shared, top=False):
        out = []
        while self.at < len(self.lines) and self.lines[self.at].depth >= depth:
            line = self.lines[self.at]
            if line.depth > depth:
                raise SchemaError(line.where, "indented too far")
            self.at += 1
            if top and line.words[0] == "struct" and len(line.words) in (2, 3):
                name = line.words[1]
                within = parse_versions(line.words[2], line.where, versions) if len(line.words) == 3 else versions
                if name in shared:
                    raise SchemaError(line.where, f"struct {name} is defined twice")
                shared[name] = Struct(name, line.where, within, self.fields(depth + 1, within, flexible, shared))
                continue
            field = self.field(line, versions, flexible)
            inner = self.fields(depth + 1, field.versions, flexible, shared)
            if inner:
                if field.type in FIXED or field.type in IDS or field.type in VARIABLE:
                    raise SchemaError(line.where, f"{field.type} has no fields of its own")
                field.struct = Struct(field.type, line.where, field.versions, inner)
            out.append(field)
        names = set()
        tags = set()
        for field in out:
            if field.name in names:
                raise SchemaError(field.where, f"field {field.name} is there twice")
            names.add(field.name)
            if field.tag is not None and field.tag in tags:
                raise SchemaError(field.where, f"tag {field.tag} is used twice")
            tags.add(field.tag)
        return out

    def field(self, line, versions, flexible):
        words = list(line.words)
        if len(words) < 2:
            raise SchemaError(line.where, "expected: <name> <type> [<versions>] ...")
        name, text = words.pop(0), words.pop(0)
        match = re.fullmatch(r"(\[)?([a-z0-9_]+)(\])?(?:(\?)(\S*))?", text)
        if not NAME.match(name) or not match or (match[1] is None) != (match[3] is None):
            raise SchemaError(line.where, f"'{name} {text}' isn't a field's name and type")
        within = versions
        if words and words[0][0].isdigit():
            within = parse_versions(words.pop(0), line.where, versions)
        nullable = NEVER
        if match[4]:
            nullable = parse_versions(match[5], line.where, within) if match[5] else within
        out = Field(name, line.where, match[2], match[1] is not None, within, nullable)
        while words:
            word = words.pop(0)
            if word == "tag" and words and words[0].isdigit():
                out.tag = int(words.pop(0))
                out.tagged = within
                if words and words[0][0].isdigit():
                    out.tagged = parse_versions(words.pop(0), line.where, within)
                if not flexible.covers(out.tagged):
                    raise SchemaError(line.where, "a tagged field needs flexible versions")
            elif word == "=" and words:
                out.default = words.pop(0)
            elif word == "ignorable":
                out.ignorable = True
            elif word == "noncompact":
                out.noncompact = True
            else:
                raise SchemaError(line.where, f"'{word}' is unknown here")
        self.check_default(out)
        return out

    def check_default(self, field):
        value = field.default
        if value is None:
            return
        if value == "null":
            if not field.nullable:
                raise SchemaError(field.where, "the default is null, but the field may not be null")
        elif field.array or field.type in ("bytes", "records", "uuid"):
            raise SchemaError(field.where, f"{field.type} can only have null as its default")
        elif field.type == "bool":
            if value not in ("true", "false"):
                raise SchemaError(field.where, f"'{value}' isn't true or false")
        elif field.type in FIXED or field.type in IDS:
            bits = 8 * FIXED[IDS.get(field.type, field.type)][0]
            if not re.fullmatch(r"-?\d+", value) or not -(1 << (bits - 1)) <= int(value) < 1 << bits:
                raise SchemaError(field.where, f"'{value}' isn't a number of {bits} bits")

    def resolve(self, root, shared, flexible):
        """Gives every field its struct and orders the structs so that each comes after those that it uses."""
        order = []
        known = dict(shared)

        def visit(struct, path):
            if any(struct is above for above in path):
                raise SchemaError(struct.where, f"struct {struct.name} holds itself")
            for field in struct.fields:
                if field.type in FIXED or field.type in IDS or field.type in VARIABLE:
                    if field.type == "records" and (field.array or field.tag is not None):
                        raise SchemaError(field.where, "records are neither arrays nor tagged")
                    continue
                if field.struct is None:
                    field.struct = known.get(field.type)
                    if field.struct is None:
                        raise SchemaError(field.where, f"'{field.type}' is neither a type nor a struct")
                elif known.setdefault(field.type, field.struct) is not field.struct:
                    raise SchemaError(field.where, f"struct {field.type} is defined twice")
                visit(field.struct, path + [struct])
            if struct is not root and not any(struct is earlier for earlier in order):
                order.append(struct)

        visit(root, [])
        for name, struct in shared.items():
            if struct not in order:
                raise SchemaError(struct.where, f"struct {name} is never used")
        return order


def load(root):
    """All messages and apis under `root`, in a fixed order."""
    apis = []
    messages = []
    for folder in sorted(os.listdir(root)):
        path = os.path.join(root, folder)
        if not os.path.isdir(path):
            continue
        for file in sorted(os.listdir(path)):
            if not file.endswith(".schema"):
                continue
            shown = os.path.join(os.path.basename(root), folder, file)
            api, found = FileParser(os.path.join(path, file), shown, folder).parse()
            if api is not None:
                apis.append(api)
            messages += found
    check_unique(apis, messages)
    return sorted(apis, key=lambda api: api.key), messages


def check_unique(apis, messages):
    keys = {}
    for api in apis:
        if api.key in keys:
            raise SchemaError(api.where, f"api key {api.key} is {keys[api.key].name}'s already")
        keys[api.key] = api
        if api.request.versions != api.response.versions:
            raise SchemaError(api.response.where, "request and response have different versions")
    names = {}
    for message in messages:
        name = (message.folder, message.name)
        if name in names:
            raise SchemaError(message.where, f"message {message.name} is defined twice in this folder")
        names[name] = message
