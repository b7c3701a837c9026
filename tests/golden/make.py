#!/usr/bin/env python3
"""make.py DIR: lets Kafka's own classes write DIR/golden.bin and DIR/fields.txt.

Needs a JDK of 17 or later and Maven. What was made stays until pom.xml or a source changes: the class path is asked for
once a pom, the files are written once a source.
"""

import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "java")


def digest(paths):
    out = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            out.update(file.read())
    return out.hexdigest()


def is_made(stamp, value):
    try:
        with open(stamp, encoding="utf-8") as file:
            return file.read() == value
    except FileNotFoundError:
        return False


def mark_made(stamp, value):
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(value)


def class_path(work):
    pom = os.path.join(HERE, "pom.xml")
    out = os.path.join(work, "classpath.txt")
    stamp = os.path.join(work, "classpath.stamp")
    wanted = digest([pom])
    if is_made(stamp, wanted):
        with open(out, encoding="utf-8") as file:
            paths = file.read().strip()
        if all(os.path.exists(path) for path in paths.split(os.pathsep)):
            return paths
    subprocess.run(["mvn", "-q", "-B", "-f", pom, "dependency:build-classpath", f"-Dmdep.outputFile={out}"], check=True)
    mark_made(stamp, wanted)
    with open(out, encoding="utf-8") as file:
        return file.read().strip()


def main():
    work = sys.argv[1]
    os.makedirs(work, exist_ok=True)
    for tool, package in (("mvn", "maven"), ("javac", "openjdk-17-jdk-headless")):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing: apt-get install --no-install-recommends {package}")
    sources = sorted(os.path.join(HERE, name) for name in os.listdir(HERE) if name.endswith(".java"))
    targets = [os.path.join(work, name) for name in ("golden.bin", "fields.txt")]
    stamp = os.path.join(work, "golden.stamp")
    wanted = digest([os.path.join(HERE, "pom.xml"), *sources])
    if is_made(stamp, wanted) and all(os.path.exists(target) for target in targets):
        return
    paths = class_path(work)
    classes = os.path.join(work, "classes")
    subprocess.run(["javac", "-d", classes, "-cp", paths, *sources], check=True)
    subprocess.run(["java", "-cp", os.pathsep.join([paths, classes]), "Golden", *targets], check=True)
    mark_made(stamp, wanted)


if __name__ == "__main__":
    main()
