"""Names of properties are texts in our code, checked when they are read. This looks at them before: each must stand in
src/config/tables with the type that it is read by, and what the tables call built must be read somewhere."""

import re

ROW = re.compile(r'\{"([a-z0-9.]+)",\s*(boolean|string|int32|int16|int64|float64|list|class_name|password),')
READ = re.compile(r'(?:\.|->)(effective|is_null|boolean|int32|int64|float64|string|list)\(\s*"([a-z0-9.]+)"\s*\)')
STATE = re.compile(r'\{"([a-z0-9.]+)",(?:(?!\n    \{").)*?\bbuilt,\s*"', re.S)
# Where a name stands without being acted on: what is set is only checked there. The client has properties of its own.
NOT_READING = ("src/config/tables/", "src/config/broker_config_check.cpp", "src/client/")
TYPES = {
    "boolean": {"boolean"},
    "int32": {"int32", "int16"},
    "int64": {"int32", "int16", "int64"},
    "float64": {"float64"},
    "string": {"string", "class_name", "password"},
    "list": {"list"},
}


def check(texts):
    """`texts` is the project, by path. A topic's properties are read by the names of `topic.cpp` in src/config only."""
    types = {}
    for path, text in texts.items():
        if path.startswith("src/config/tables/"):
            for name, kind in ROW.findall(text):
                types.setdefault(name, set()).add(kind)
    problems = []
    for path, text in texts.items():
        if not types or not path.endswith((".cpp", ".hpp")) or not path.startswith(("src/", "apps/")):
            continue
        for found in READ.finditer(text):
            accessor, name = found.groups()
            if "." not in name and name not in types:
                continue  # An accessor of something else that happens to have this name.
            line = text.count("\n", 0, found.start()) + 1
            if name not in types:
                problems.append(f"{path}:{line}: property: there is no {name}")
            elif not types[name] & TYPES.get(accessor, types[name]):
                problems.append(f"{path}:{line}: property: {name} is no {accessor}")
    return problems + unread(texts)


def unread(texts):
    """Whoever sets a property that is called built and that nothing reads would be told nothing."""
    code = "\n".join(text for path, text in texts.items()
                     if path.endswith((".cpp", ".hpp")) and path.startswith(("src/", "apps/"))
                     and "/tests/" not in path and not path.startswith(NOT_READING))
    return [f"{path}: property: {name} is called built, and nothing reads it"
            for path, text in texts.items() if path.startswith("src/config/tables/")
            for name in STATE.findall(text) if f'"{name}"' not in code]
