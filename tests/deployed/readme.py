# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who follows README: types the very commands that it shows, and fills in what only a site knows.

README marks what is followed with a comment that readers do not see, `<!-- readme: name -->`, before each block.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess

import yaml
from stack import INVENTORY, ROOT, docker

CONTROLLER, SITE, FRONT = "cht-sync-controller", "cht-sync-site", "cht-sync-readme-couchdb"
GIVEN = yaml.safe_load((INVENTORY / "group_vars/all/main.yml").read_text())
# That of the site's administrators.
PASSWORD = GIVEN.get("site_admin_password")
# What answers where a person would: fingerprints, a key without passphrase, admin's password for ssh and sudo.
ASKED = f"""#!/bin/sh
case $1 in *yes/no*) echo yes ;; *passphrase*) echo ;; *) echo '{PASSWORD}' ;; esac
"""
ANSWERS = {"SSH_ASKPASS": "/usr/local/bin/asked", "SSH_ASKPASS_REQUIRE": "force", "SUDO_ASKPASS": "/usr/local/bin/asked", "DISPLAY": ":0"}
INVENTORY = "cht-sync/inventories/mysite"


class Readme:
    """The blocks of README by their names, with `values` in the place of its examples."""

    def __init__(self, values: dict[str, str]) -> None:
        text = (ROOT / "README.md").read_text()
        self.blocks = dict(re.findall(r"<!-- readme: ([^\n]+) -->\n```\w+\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
        self.followed: set[str] = set()
        for example, value in values.items():
            assert any(example in block for block in self.blocks.values()), f"README has no longer {example!r}"
            self.blocks = {name: block.replace(example, value) for name, block in self.blocks.items()}

    def block(self, name: str) -> str:
        self.followed.add(name)
        return self.blocks[name]


class Operator:
    """Sits at the controller."""

    def __init__(self, readme: Readme) -> None:
        self.readme = readme

    def command(self, script: str, machine: str = CONTROLLER, user: str = "operator", asked: bool = False) -> list[str]:
        answers = [option for name, value in ANSWERS.items() if asked for option in ("-e", f"{name}={value}")]
        at = ["-u", user, "-w", f"/home/{user}", "-e", f"HOME=/home/{user}", "-e", f"USER={user}"]
        # -i, for ~/.bashrc.
        return ["docker", "exec", "-i", *answers, *at, machine, "bash", "-ic", f"set -e\n{script}"]

    def types(self, script: str, answer: str = "\n", refused: bool = False, **where) -> str:
        """What the commands print, in a new terminal; `answer` is what they read. What asks for more fails, unless it is to be `asked`."""
        done = subprocess.run(self.command(script, **where), input=answer, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == refused, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    def answers(self, script: str, answers: dict[str, str], refused: bool = False) -> str:
        """The same where a program asks at the terminal itself: what is typed at its prompts, in their order. It drops what is typed before."""
        *docker_exec, shell, option, typed = self.command(script)
        terminal = [*docker_exec, "script", "-qefc", f"{shell} {option} {shlex.quote(typed)}", "/dev/null"]
        said, waiting = "", dict(answers)
        with subprocess.Popen(terminal, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
            while piece := process.stdout.read(1 << 16):
                said += piece.decode(errors="replace")
                if waiting and next(iter(waiting)) in said:
                    process.stdin.write(waiting.pop(next(iter(waiting))).encode() + b"\n")
        assert (process.returncode != 0) == refused and not waiting, f"{script}\n{said[-5000:]}"
        return said

    def follows(self, name: str, begin: bool = True, **where) -> str:
        """Types a block; `begin` with what README says for each new terminal."""
        return self.types((self.readme.block("terminal") if begin else "") + self.readme.block(name), **where)

    def writes(self, name: str, file: str, more: str = "", append: bool = False) -> None:
        """Puts a block, and `more`, into a file of the inventory with an editor."""
        self.puts(self.readme.block(name) + more, file, append)

    def puts(self, text: str, file: str, append: bool = False) -> None:
        """The same of any text."""
        self.types(f"cat {'>>' if append else '>'} {INVENTORY}/{file}", text)


def on_site(script: str) -> str:
    return docker("exec", SITE, "bash", "-c", script)


def repository(directory) -> str:
    """This checkout as it is, in one file that git clones; the path of it."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    present = b"\0".join(name for name in names.split(b"\0") if name and os.path.lexists(ROOT / os.fsdecode(name)))
    tree = directory / "tree"
    tree.mkdir()
    packed = subprocess.run(["tar", "-c", "--null", "-T", "-"], cwd=ROOT, input=present, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=tree, input=packed, check=True)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    bundle = "bundle create -q ../cht-sync.bundle HEAD main"
    for command in ("init -q -b main", "add -A", "commit -q -m as-it-is", bundle):
        subprocess.run([*git, *command.split()], cwd=tree, check=True)
    return str(directory / "cht-sync.bundle")
