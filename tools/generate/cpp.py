"""Writes one message as a C++ header and source."""

from schema import FIXED, IDS, SchemaError, Versions

# Names that a field may not have: C++'s own, and what every generated struct declares.
RESERVED = set(
    "alignas and asm auto bool break case catch char class concept const continue default delete do double else enum "
    "explicit export extern false float for friend goto if inline int long mutable namespace new not operator or "
    "private protected public register requires return short signed sizeof static struct switch template this throw "
    "true try typedef typename union unsigned using virtual void volatile while xor moldau wire std".split()
)
DECLARED = {"read", "encoded_size", "encode"}
# What generated functions call their parameters and locals.
LOCAL = {
    "in", "out", "wire_version", "flexible", "total", "tag_total", "tags", "item_count", "items", "item", "unknown",
}
TOP_DECLARED = {
    "decode", "api_key", "type_id", "message_name", "min_version", "max_version", "max_stable_version",
    "first_flexible_version",
}
INTEGER_CALL = {"bool": "boolean"}


def cpp_name(name):
    return name + "_" if name in RESERVED else name


def condition(versions, within):
    """The test for `versions`, knowing that the version is in `within`; None where it always holds."""
    inner = versions.clip(within)
    if not inner:
        return "false"
    parts = []
    if inner.low > within.low:
        parts.append(f"wire_version >= {inner.low}")
    if inner.high < within.high:
        parts.append(f"wire_version <= {inner.high}")
    if inner.low == inner.high and len(parts) == 2:
        return f"wire_version == {inner.low}"
    return " && ".join(parts) or None


class Emitter:
    """Text with an indent that follows the braces."""

    def __init__(self):
        self.lines = []
        self.depth = 0

    def __call__(self, text=""):
        if text.startswith("}"):
            self.depth -= 1
        self.lines.append(("  " * self.depth + text) if text else "")
        if text.endswith("{") and not text.startswith("namespace"):
            self.depth += 1

    def text(self):
        return "\n".join(self.lines) + "\n"


class MessageWriter:
    def __init__(self, message):
        self.message = message
        self.top = message.name
        # Nested structs stand in a namespace and are aliased in the message: a class inside a class isn't yet default
        # constructible where the outer one makes a std::optional of it.
        self.types = message.name + "_types"
        self.structs = {struct.name: struct for struct in message.structs}
        self.check_names()

    def check_names(self):
        for struct in [*self.message.structs, self.message.root]:
            top = struct is self.message.root
            taken = DECLARED | LOCAL | (TOP_DECLARED | set(self.structs) if top else set()) | {struct.name}
            if top is False and struct.name in {cpp_name(field.name) for field in self.message.root.fields}:
                raise SchemaError(struct.where, f"struct {struct.name} has the name of a field of the message")
            for field in struct.fields:
                if field.name in taken:
                    raise SchemaError(field.where, f"a field can't be called {field.name} here")

    # Types

    def element_type(self, field):
        if field.struct is not None:
            return f"{self.types}::{field.struct.name}"
        if field.type in IDS:
            return "moldau::" + field.type
        if field.type in FIXED:
            return FIXED[field.type][1]
        return {"string": "std::string_view", "bytes": "bytes_view", "records": "records_field"}[field.type]

    def member_type(self, field):
        out = self.element_type(field)
        if field.array:
            out = f"std::vector<{out}>"
        if field.nullable and field.type != "records":
            out = f"std::optional<{out}>"
        return out

    def literal(self, field):
        """The default as an expression; None where it is what the type begins with."""
        value = field.default
        nullable = bool(field.nullable) and field.type != "records"
        if nullable:
            if value == "null":
                return None
            if not field.array and field.type == "string":
                return f'std::string_view("{value or ""}")'
            return f"{self.member_type(field)}(std::in_place)"
        if field.type == "records" and not field.nullable:
            return "records_field(bytes_view())"
        if field.array or field.struct is not None or field.type in ("bytes", "records", "uuid"):
            return None
        if field.type == "string":
            return f'"{value}"' if value else None
        if field.type == "bool":
            return value or "false"
        if field.type in IDS:
            if field.type == "errc":
                return "moldau::errc::none" if value in (None, "0") else f"static_cast<moldau::errc>({value})"
            return f"moldau::{field.type}({self.number(field, value)})" if value else None
        return self.number(field, value)

    def number(self, field, value):
        if value is None:
            return "0"
        size, _ = FIXED[IDS.get(field.type, field.type)]
        if field.type[0] != "u" and int(value) == -(1 << (8 * size - 1)):
            return f"{int(value) + 1} - 1"  # C++ has no literal for the least integer
        return value

    def differs(self, field):
        """The test for "isn't the default"."""
        name = cpp_name(field.name)
        nullable = bool(field.nullable) and field.type != "records"
        if nullable:
            if field.default == "null":
                return f"{name}.has_value()"
            if field.array or field.type in ("string", "bytes"):
                if field.default:
                    return f'!{name} || *{name} != "{field.default}"'
                return f"!{name} || !{name}->empty()"
            return f"!{name} || !(*{name} == {self.types}::{field.struct.name}{{}})"
        if field.array or field.type == "bytes":
            return f"!{name}.empty()"
        if field.type == "records":
            return f"!{name}.is_null()" if field.nullable else f"{name}.size() != 0"
        if field.struct is not None:
            return f"!({name} == {self.types}::{field.struct.name}{{}})"
        if field.type == "string":
            return f'{name} != "{field.default}"' if field.default else f"!{name}.empty()"
        if field.type == "bool":
            return f"!{name}" if field.default == "true" else name
        if field.type == "uuid":
            return f"!{name}.is_zero()"
        if field.type == "errc":
            return f"{name} != {self.literal(field)}"
        if field.type in IDS:
            return f"{name}.value() != {self.number(field, field.default)}"
        return f"{name} != {self.number(field, field.default)}"

    def holds_bytes(self, struct):
        return any(field.type == "bytes" for field in struct.fields)

    # Sizes

    def field_size_min(self, field, version, flexible):
        if field.tag is not None and field.tagged.clip(Versions(version, version)):
            return 0
        if not field.versions.clip(Versions(version, version)):
            return 0
        compact = flexible and not field.noncompact
        if field.array:
            return 1 if compact else 4
        if field.type in FIXED or field.type in IDS:
            return FIXED[IDS.get(field.type, field.type)][0]
        if field.struct is not None:
            nullable = bool(field.nullable.clip(Versions(version, version)))
            return 1 if nullable else self.struct_size_min(field.struct, version)
        return 1 if compact else 2 if field.type == "string" else 4

    def struct_size_min(self, struct, version):
        flexible = bool(self.message.flexible.clip(Versions(version, version)))
        return flexible + sum(self.field_size_min(field, version, flexible) for field in struct.fields)

    def element_size_min(self, field):
        if field.struct is None:
            if field.type in FIXED or field.type in IDS:
                return FIXED[IDS.get(field.type, field.type)][0]
            return 1 if self.message.flexible else 2 if field.type == "string" else 4
        out = min(self.struct_size_min(field.struct, version) for version in field.versions)
        if out == 0:
            raise SchemaError(field.where, "an element takes no bytes in some version, so its count can't be checked")
        return out

    # Expressions for one value that is neither an array nor null

    def read_value(self, field, source, compact):
        kind = field.type
        if kind == "errc":
            return f"static_cast<moldau::errc>({source}.i16())"
        if kind in IDS:
            return f"moldau::{kind}({source}.{IDS[kind]}())"
        if kind in FIXED:
            return f"{source}.{INTEGER_CALL.get(kind, kind)}()"
        return f"{source}.{kind}({compact})"

    def write_value(self, field, value, compact):
        kind = field.type
        if field.struct is not None:
            return f"{value}.encode(out, wire_version);"
        if kind == "errc":
            return f"out.i16(static_cast<std::int16_t>({value}));"
        if kind in IDS:
            return f"out.{IDS[kind]}({value}.value());"
        if kind in FIXED:
            return f"out.{INTEGER_CALL.get(kind, kind)}({value});"
        return f"out.{kind}({value}, {compact});"

    def value_size(self, field, value, compact):
        if field.struct is not None:
            return f"{value}.encoded_size(wire_version)"
        if field.type in FIXED or field.type in IDS:
            return str(FIXED[IDS.get(field.type, field.type)][0])
        return f"{field.type}_size({value}, {compact})"

    # Statements for one field. `tagged`: as the value of a tag, where null is told apart by 0 instead of -1.

    def read_field(self, e, field, source, compact, within, tagged=False):
        name = cpp_name(field.name)
        nullable = field.nullable.clip(within)
        optional = bool(field.nullable) and field.type != "records"
        if field.array:
            size = f"{self.element_size_min(field)}, sizeof({self.element_type(field)})"
            if nullable:
                e(f"if (const auto item_count = {source}.nullable_array_count({compact}, {size}); item_count) {{")
                e(f"auto& items = {name}.emplace();")
                self.read_elements(e, field, source, "items", "*item_count", compact)
                e("} else {")
                e(f"{name}.reset();")
                e("}")
            else:
                e("{")
                e(f"const std::size_t item_count = {source}.array_count({compact}, {size});")
                if optional:
                    e(f"auto& items = {name}.emplace();")
                self.read_elements(e, field, source, "items" if optional else name, "item_count", compact)
                e("}")
        elif field.struct is not None:
            if nullable:
                e(f"if ({source}.i8() {'<=' if tagged else '<'} 0) {{")
                e(f"{name}.reset();")
                e("} else {")
                e(f"{name}.emplace().read({source}, wire_version);")
                e("}")
            else:
                e(f"{name}{'.emplace()' if optional else ''}.read({source}, wire_version);")
        elif nullable:
            e(f"{name} = {source}.nullable_{field.type}({compact});")
        else:
            e(f"{name} = {self.read_value(field, source, compact)};")
        test = condition(field.nullable, within)
        if nullable and test is not None:
            null = f"{name}.is_null()" if field.type == "records" else f"!{name}"
            e(f'if ({null} && !({test})) {source}.fail("{field.name} is null in a version where it may not be");')

    def read_elements(self, e, field, source, to, count, compact):
        e(f"{to}.reserve({count});")
        e(f"for (std::size_t i = 0; i < {count} && {source}.ok(); ++i) {{")
        if field.struct is not None:
            e(f"{to}.emplace_back().read({source}, wire_version);")
        else:
            e(f"{to}.push_back({self.read_value(field, source, compact)});")
        e("}")

    def write_field(self, e, field, compact, within, tagged=False):
        name = cpp_name(field.name)
        nullable = field.nullable.clip(within)
        optional = bool(field.nullable) and field.type != "records"
        test = condition(field.nullable, within)
        if optional and test is not None:
            # Null in a version that can't say it: reported, and written as the empty value that was measured.
            allowed = "" if test == "false" else f" && !({test})"
            e(f'if (!{name}{allowed}) out.unsupported("null as {field.name}");')
        if field.array:
            if optional:
                e(f"if ({name}) {{")
                self.write_elements(e, field, f"(*{name})", compact)
                e("} else {")
                e(f"out.null_array({compact});")
                e("}")
            else:
                self.write_elements(e, field, name, compact)
        elif field.struct is not None and optional:
            # Versions where the struct may not be null have no byte that says so; there is no such message today.
            if nullable != field.versions.clip(within):
                raise SchemaError(field.where, "a struct is nullable in all versions of its field, or in none")
            e(f"if ({name}) {{")
            e("out.i8(1);")
            e(f"{name}->encode(out, wire_version);")
            e("} else {")
            e(f"out.i8({'0' if tagged else '-1'});")
            e("}")
        elif optional:
            e(f"out.nullable_{field.type}({name}, {compact});")
        else:
            e(self.write_value(field, name, compact))

    def write_elements(self, e, field, value, compact):
        e(f"out.array_count({value}.size(), {compact});")
        e(f"for (const auto& item : {value}) {{")
        e(self.write_value(field, "item", compact))
        e("}")

    def size_field(self, e, field, compact, to="total"):
        name = cpp_name(field.name)
        optional = bool(field.nullable) and field.type != "records"
        if field.array:
            if optional:
                e(f"if ({name}) {{")
                self.size_elements(e, field, f"(*{name})", f"{name}->size()", compact, to)
                e("} else {")
                e(f"{to} += null_array_size({compact});")
                e("}")
            else:
                self.size_elements(e, field, name, f"{name}.size()", compact, to)
        elif field.struct is not None and optional:
            e(f"{to} += 1 + ({name} ? {name}->encoded_size(wire_version) : 0);")
        elif optional:
            e(f"{to} += nullable_{field.type}_size({name}, {compact});")
        else:
            e(f"{to} += {self.value_size(field, name, compact)};")

    def size_elements(self, e, field, value, count, compact, to):
        e(f"{to} += array_count_size({count}, {compact});")
        one = self.value_size(field, "item", compact)
        if one.isdigit():
            e(f"{to} += {one} * {count};")
        else:
            e(f"for (const auto& item : {value}) {{")
            e(f"{to} += {one};")
            e("}")

    # Functions of one struct

    def guarded(self, e, test, body):
        if test is None:
            body()
            return
        e(f"if ({test}) {{")
        body()
        e("}")

    def flexible_line(self, e, struct, body):
        """Declares `flexible` if the text of `body` speaks of it."""
        test = condition(self.message.flexible, struct.versions)
        if any("flexible" in line for line in body.lines):
            value = "true" if test is None else test
            e(f"const bool flexible = {value};")
            if not any("wire_version" in line for line in [value, *body.lines]):
                e("static_cast<void>(wire_version);")
        elif not any("wire_version" in line for line in body.lines):
            e("static_cast<void>(wire_version);")
        for line in body.lines:
            e.lines.append(line)

    def plain_versions(self, field):
        """Where a field stands in its place and not among the tags. Kafka tags a field from its first version on, or
        from a later one; never only in the middle."""
        if field.tag is None:
            return field.versions
        return Versions(field.versions.low, min(field.versions.high, field.tagged.low - 1))

    def compact(self, field):
        return "false" if field.noncompact else "flexible"

    def flexible_test(self, struct):
        return condition(self.message.flexible, struct.versions)

    def tagged_fields(self, struct):
        return sorted((f for f in struct.fields if f.tag is not None), key=lambda f: f.tag)

    def emit_read(self, e, struct, scope):
        e(f"void {scope}::read(reader& in, std::int16_t wire_version) {{")
        body = Emitter()
        body.depth = e.depth
        for field in struct.fields:
            plain = self.plain_versions(field)
            if plain:
                test = condition(plain, struct.versions)
                self.guarded(body, test, lambda: self.read_field(
                    body, field, "in", self.compact(field), plain.clip(struct.versions)))
        if self.message.flexible.clip(struct.versions):
            self.guarded(body, None if self.flexible_test(struct) is None else "flexible",
                         lambda: self.read_tags(body, struct))
        if not any("in." in line or "in)" in line or "(in" in line for line in body.lines):
            body("static_cast<void>(in);")
        self.flexible_line(e, struct, body)
        e("}")
        e()

    def read_tags(self, e, struct):
        tagged = self.tagged_fields(struct)
        e("for (tag_reader tags(in); tags.next();) {")
        if not tagged:
            e("tags.keep(unknown_tags);")
        for i, field in enumerate(tagged):
            within = struct.versions.clip(self.message.flexible)
            test = condition(field.tagged, within)
            test = f"tags.tag() == {field.tag}" + (f" && {test}" if test else "")
            e(("if" if i == 0 else "} else if") + f" ({test}) {{")
            self.read_field(e, field, "tags.value()", "flexible", field.tagged.clip(within), tagged=True)
        if tagged:
            e("} else {")
            e("tags.keep(unknown_tags);")
            e("}")
        e("}")

    def tag_flags(self, e, struct):
        for field in self.tagged_fields(struct):
            test = condition(field.tagged, struct.versions)
            differs = self.differs(field)
            if test:
                differs = f"({differs})" if "||" in differs else differs
                differs = f"{test} && {differs}"
            e(f"const bool has_{field.name} = {differs};")

    def tag_count(self, struct):
        parts = ["unknown_tags.size()"]
        parts += [f"static_cast<std::size_t>(has_{field.name})" for field in self.tagged_fields(struct)]
        return " + ".join(parts)

    def emit_size(self, e, struct, scope):
        e(f"std::size_t {scope}::encoded_size(std::int16_t wire_version) const {{")
        body = Emitter()
        body.depth = e.depth
        body("std::size_t total = 0;")
        for field in struct.fields:
            plain = self.plain_versions(field)
            if plain:
                self.guarded(body, condition(plain, struct.versions),
                             lambda: self.size_field(body, field, self.compact(field)))
        if self.message.flexible.clip(struct.versions):
            self.guarded(body, None if self.flexible_test(struct) is None else "flexible",
                         lambda: self.size_tags(body, struct))
        body("return total;")
        self.flexible_line(e, struct, body)
        e("}")
        e()

    def size_tags(self, e, struct):
        self.tag_flags(e, struct)
        e(f"total += moldau::bytes::varint_size({self.tag_count(struct)}) + unknown_tags_size(unknown_tags);")
        for field in self.tagged_fields(struct):
            e(f"if (has_{field.name}) {{")
            e("std::size_t tag_total = 0;")
            self.size_field(e, field, "flexible", to="tag_total")
            e(f"total += tag_size({field.tag}, tag_total);")
            e("}")

    def emit_write(self, e, struct, scope):
        e(f"void {scope}::encode(writer& out, std::int16_t wire_version) const {{")
        body = Emitter()
        body.depth = e.depth
        for field in struct.fields:
            plain = self.plain_versions(field)
            if plain:
                self.guarded(body, condition(plain, struct.versions), lambda: self.write_field(
                    body, field, self.compact(field), plain.clip(struct.versions)))
            absent = condition(field.versions, struct.versions)
            if absent is not None and not field.ignorable:
                body(f'if (!({absent}) && ({self.differs(field)})) out.unsupported("{field.name}");')
        if self.message.flexible.clip(struct.versions):
            test = self.flexible_test(struct)
            self.guarded(body, None if test is None else "flexible", lambda: self.write_tags(body, struct))
            if test is not None:
                body('if (!flexible && !unknown_tags.empty()) out.unsupported("tagged fields");')
        if not any("out" in line for line in body.lines):
            body("static_cast<void>(out);")
        self.flexible_line(e, struct, body)
        e("}")
        e()

    def write_tags(self, e, struct):
        tagged = self.tagged_fields(struct)
        self.tag_flags(e, struct)
        e(f"out.varint(static_cast<std::uint32_t>({self.tag_count(struct)}));")
        at = "0"
        if tagged:
            e("std::size_t unknown = 0;")
            at = "unknown"
        for field in tagged:
            e(f"if (has_{field.name}) {{")
            e(f"unknown = out.unknown_tags(unknown_tags, unknown, {field.tag});")
            e("std::size_t tag_total = 0;")
            self.size_field(e, field, "flexible", to="tag_total")
            e(f"out.tag({field.tag}, tag_total);")
            within = struct.versions.clip(self.message.flexible).clip(field.tagged)
            self.write_field(e, field, "flexible", within, tagged=True)
            e("}")
        e(f"out.unknown_tags(unknown_tags, {at});")

    def emit_equal(self, e, struct, scope):
        e(f"bool {scope}::operator==(const {scope}& other) const {{")
        parts = []
        for field in struct.fields:
            name = cpp_name(field.name)
            if field.type == "bytes":
                parts.append(f"same_bytes({name}, other.{name})")
            else:
                parts.append(f"{name} == other.{name}")
        if self.message.flexible:
            parts.append("unknown_tags == other.unknown_tags")
        e("return " + " &&\n         ".join(parts) + ";")
        e("}")
        e()

    # Files

    def banner(self):
        return f"// Generated from {self.message.where[0]}: change that, not this."

    def declare(self, e, struct):
        for field in struct.fields:
            value = self.literal(field)
            e(f"{self.member_type(field)} {cpp_name(field.name)}{f' = {value}' if value is not None else ''};")
        if self.message.flexible:
            e("std::vector<unknown_tag> unknown_tags;")
        e()
        e("void read(reader& in, std::int16_t wire_version);")
        e("[[nodiscard]] std::size_t encoded_size(std::int16_t wire_version) const;")
        e("void encode(writer& out, std::int16_t wire_version) const;")
        if self.holds_bytes(struct):
            e(f"bool operator==(const {struct.name}& other) const;")
        else:
            e(f"friend bool operator==(const {struct.name}&, const {struct.name}&) = default;")

    def about(self):
        message = self.message
        if message.api is not None:
            what = f"{message.api.name} {message.kind}, API key {message.id}"
        elif message.id is not None:
            what = f"{message.name}, type {message.id}"
        else:
            what = message.name
        low, high = message.versions.low, message.versions.high
        span = f"version {low}" if low == high else f"versions {low} to {high}"
        return f"/// {what}, {span}{' (the last one unstable)' if message.unstable else ''}."

    def header(self):
        message = self.message
        e = Emitter()
        e(self.banner())
        e("#pragma once")
        e()
        for name in ("cstddef", "cstdint", "optional", "string_view", "vector"):
            e(f"#include <{name}>")
        e()
        e('#include "moldau/core/bytes.hpp"')
        e('#include "moldau/core/ids.hpp"')
        e('#include "moldau/core/result.hpp"')
        e('#include "wire/primitives.hpp"')
        e('#include "wire/reader.hpp"')
        e('#include "wire/writer.hpp"')
        e()
        e(f"namespace moldau::wire::{message.folder} {{")
        e()
        if message.structs:
            e(f"namespace {self.types} {{")
            e()
            for struct in message.structs:
                e(f"struct {struct.name} {{")
                self.declare(e, struct)
                e("};")
                e()
            e.lines.append(f"}}  // namespace {self.types}")
            e()
        e(self.about())
        e(f"struct {self.top} {{")
        if message.api is not None:
            e(f"static constexpr std::int16_t api_key = {message.id};")
        elif message.id is not None:
            e(f"static constexpr std::int16_t type_id = {message.id};")
        e(f'static constexpr std::string_view message_name = "{self.top}";')
        e(f"static constexpr std::int16_t min_version = {message.versions.low};")
        e(f"static constexpr std::int16_t max_version = {message.versions.high};")
        e("/// The last version without a note that it may still change.")
        e(f"static constexpr std::int16_t max_stable_version = {message.versions.high - int(message.unstable)};")
        first = message.flexible.low if message.flexible else 32767
        e(f"static constexpr std::int16_t first_flexible_version = {first};")
        e()
        for struct in message.structs:
            e(f"using {struct.name} = {self.types}::{struct.name};")
        if message.structs:
            e()
        self.declare(e, message.root)
        e()
        e("/// Reads one message; what follows it is left in `in`. Views point into the bytes that `in` reads.")
        e("/// Errors: `errc::unsupported_version`, `errc::malformed`.")
        e(f"[[nodiscard]] static result<{self.top}> decode(reader& in, std::int16_t wire_version);")
        e("};")
        e()
        e(f"}}  // namespace moldau::wire::{message.folder}")
        return e.text()

    def source(self):
        message = self.message
        e = Emitter()
        e(self.banner())
        e(f'#include "wire/{message.folder}/{self.top}.hpp"')
        e()
        e('#include "wire/message.hpp"')
        e()
        e(f"namespace moldau::wire::{message.folder} {{")
        e()
        for struct in [*message.structs, message.root]:
            scope = self.top if struct is message.root else f"{self.types}::{struct.name}"
            self.emit_read(e, struct, scope)
            self.emit_size(e, struct, scope)
            self.emit_write(e, struct, scope)
            if self.holds_bytes(struct):
                self.emit_equal(e, struct, scope)
        e(f"result<{self.top}> {self.top}::decode(reader& in, std::int16_t wire_version) {{")
        e("MOLDAU_TRY(check_version(message_name, wire_version, min_version, max_version));")
        e(f"{self.top} out;")
        e("out.read(in, wire_version);")
        e("MOLDAU_TRY(in.status());")
        e("return out;")
        e("}")
        e()
        e(f"}}  // namespace moldau::wire::{message.folder}")
        return e.text()
