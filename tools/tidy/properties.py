"""Names of properties are texts in our code, checked when they are read. This looks at them before: each must stand in
src/config/tables with the type that it is read by."""

import re

ROW = re.compile(r'\{"([a-z0-9.]+)",\s*(boolean|string|int32|int16|int64|float64|list|class_name|password),')
READ = re.compile(r'(?:\.|->)(effective|is_null|boolean|int32|int64|float64|string|list)\(\s*"([a-z0-9.]+)"\s*\)')
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
    return problems
