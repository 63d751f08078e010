"""Rounds as those of the suite: subjects take turns, each round beginning with another one."""

import itertools
import json
import random
import time

ROUNDS = 7
TURN_SECONDS = 0.1
GROUP = 1000


def keys(count: int, seed: int) -> list[str]:
    """Strings of 14 bytes, in an order of their own for each seed."""
    numbers = random.Random(seed).sample(range(1_000_000_000), count)
    return [f"user:{number:09}" for number in numbers]


def turn(call, arguments) -> float:
    """Nanoseconds a call; `arguments` go on where the last turn stopped."""
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < TURN_SECONDS:
        for argument in itertools.islice(arguments, GROUP):
            call(argument)
        calls += GROUP
    return elapsed * 1e9 / calls


def measure(table: str, title: str, subjects: dict, arguments: list) -> None:
    """Prints a line of JSON for each subject, once each knows all arguments."""
    for call in subjects.values():
        for argument in set(arguments):
            call(argument)
    nanos = {name: [] for name in subjects}
    names = list(subjects)
    places = {name: itertools.cycle(arguments) for name in names}
    for number in range(ROUNDS + 1):
        for index in range(len(names)):
            name = names[(number + index) % len(names)]
            one = turn(subjects[name], places[name])
            if number > 0:
                nanos[name].append(one)
    for name in names:
        print(json.dumps({"table": table, "title": title, "subject": name, "nanos": nanos[name]}))
