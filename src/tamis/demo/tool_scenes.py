"""Scenes in which the assistant calls tools: what is asked, called, returned and answered.

Every number in an answer comes from the result that the tool returned just before.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tamis.demo.plain_scenes import draw_sum
from tamis.demo.plan import Arguments, Plan, Step
from tamis.demo.wording import content, sentence_case, word

# Made-up rates of the right size, short enough that every product is exact.
_RATES = {
    "EUR USD": ["1.05", "1.1", "1.15"],
    "GBP EUR": ["1.15", "1.2", "1.17"],
    "CNY JPY": ["20", "20.5", "21"],
    "CHF EUR": ["1.05", "1.02", "1.1"],
    "SEK NOK": ["1.05", "0.98", "1.02"],
    "USD CNY": ["7.1", "7.2", "7.05"],
    "PLN CZK": ["5.8", "5.9", "5.75"],
    "EUR GBP": ["0.85", "0.86", "0.84"],
}


class Actor:
    """The drawing hand of one scene: its random state, language and the scene's phrases."""

    def __init__(self, rng: random.Random, language: str, scene: str) -> None:
        self.rng = rng
        self.language = language
        self.common: dict[str, Any] = content("common")[language]
        self.phrases: dict[str, Any] = content("tools")[language][scene]
        self.scene = scene

    def say(self, key: str, **slots: object) -> str:
        """One of the scene's phrases under `key`, worded."""
        return sentence_case(word(self.rng, self.rng.choice(self.phrases[key]), **slots))

    def pick(self, key: str) -> str:
        """One of the common names under `key`: cities, friends, ..."""
        return str(self.rng.choice(self.common[key]))

    def thought(self, **slots: object) -> str | None:
        """A think block for about half of the turns."""
        return self.say("think", **slots) if self.rng.random() < 0.5 else None

    def lead(self) -> str:
        """A short line before a call, for about half of the calls."""
        return self.pick("lead") if self.rng.random() < 0.5 else ""

    def plan(self, tools: tuple[str, ...], steps: list[Step]) -> Plan:
        """The scene's plan, with up to two more tools on offer than are used."""
        others = [name for name in content("tools")["schemas"] if name not in tools]
        offered = [*tools, *self.rng.sample(others, self.rng.randrange(3))]
        self.rng.shuffle(offered)
        return Plan(scene=self.scene, language=self.language, steps=steps, tools=tuple(offered))


def _date(rng: random.Random) -> str:
    return f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def weather(rng: random.Random, language: str) -> Plan:
    """Weather and what to wear."""
    actor = Actor(rng, language, "weather")
    city = actor.pick("cities")
    day = rng.choice(["today", "tomorrow", "weekend"])
    when = rng.choice(actor.phrases["whens"][day])
    label, sky, *tips = rng.choice(actor.phrases["skies"])
    low = rng.randint(2, 17)
    high = low + rng.randint(4, 11)
    arguments: Arguments = {"city": city, "day": day}
    if rng.random() < 0.3:
        arguments["hourly"] = False
    result = {"city": city, "day": day, "condition": label, "low_c": low, "high_c": high}
    slots = {"city": city, "when": when, "sky": sky, "low": low, "high": high}
    steps = [
        Step(role="user", text=actor.say("ask", **slots, friend=actor.pick("friends"))),
        Step(
            role="assistant",
            text=actor.lead(),
            thought=actor.thought(**slots),
            calls=(("get_weather", arguments, result),),
        ),
        Step(role="assistant", text=actor.say("answer", **slots, tip=rng.choice(tips))),
    ]
    return actor.plan(("get_weather",), steps)


def exchange(rng: random.Random, language: str) -> Plan:
    """Money converted at a rate that makes the product exact."""
    actor = Actor(rng, language, "exchange")
    pair = rng.choice(list(_RATES))
    source, target = pair.split()
    amount = rng.randint(2, 90) * 20
    rate = rng.choice(_RATES[pair])
    hundredths = round(float(rate) * 100) * amount
    converted = f"{hundredths // 100}" if hundredths % 100 == 0 else f"{hundredths / 100:.2f}"
    slots = {
        "amount": amount,
        "source": source,
        "target": target,
        "rate": rate,
        "converted": converted,
    }
    result = {"rate": float(rate), "converted": hundredths / 100, "currency": target}
    call = ("convert_currency", {"amount": amount, "source": source, "target": target}, result)
    steps = [
        Step(role="user", text=actor.say("ask", **slots)),
        Step(
            role="assistant",
            text=actor.lead(),
            thought=actor.thought(**slots),
            calls=(call,),
        ),
        Step(role="assistant", text=actor.say("answer", **slots)),
    ]
    return actor.plan(("convert_currency",), steps)


def trains(rng: random.Random, language: str) -> Plan:
    """A timetable search; the answer names the cheapest train."""
    actor = Actor(rng, language, "trains")
    origin, destination = rng.sample(actor.common["stations"], 2)
    date = _date(rng)
    starts = sorted(rng.sample(range(24, 80), rng.choice([2, 3])))
    found = [
        {"departs": _clock(s * 15), "minutes": rng.randint(70, 290), "price": rng.randint(19, 90)}
        for s in starts
    ]
    cheapest = min(found, key=lambda train: (int(str(train["price"])), str(train["departs"])))
    arguments: Arguments = {"origin": origin, "destination": destination, "date": date}
    if rng.random() < 0.5:
        arguments["max_results"] = rng.randint(3, 6)
    rest = [str(train["departs"]) for train in found if train is not cheapest]
    slots = {
        "origin": origin,
        "destination": destination,
        "date": date,
        "n": len(found),
        "first": cheapest["departs"],
        "minutes": cheapest["minutes"],
        "price": cheapest["price"],
        "others": (" and " if language == "en" else "和").join(rest),
        "s": "s" if len(rest) > 1 else "",
        "v": "" if len(rest) > 1 else "s",
    }
    steps = [
        Step(role="user", text=actor.say("ask", **slots, friend=actor.pick("friends"))),
        Step(
            role="assistant",
            text=actor.lead(),
            thought=actor.thought(**slots),
            calls=(("search_trains", arguments, {"trains": found}),),
        ),
        Step(role="assistant", text=actor.say("answer", **slots)),
    ]
    return actor.plan(("search_trains",), steps)


def calendar(rng: random.Random, language: str) -> Plan:
    """An event put into the calendar."""
    actor = Actor(rng, language, "calendar")
    start, minutes = rng.randint(30, 80) * 15, rng.choice([20, 30, 45, 60, 75, 90])
    title, friend = rng.choice(actor.phrases["titles"]), actor.pick("friends")
    slots = {
        "title": title,
        "date": _date(rng),
        "start": _clock(start),
        "minutes": minutes,
        "end": _clock(start + minutes),
    }
    question = actor.say("ask", **slots, friend=friend)
    arguments: Arguments = {key: slots[key] for key in ("title", "date", "start", "minutes")}
    if friend in question:
        arguments["guests"] = [friend]
    result = {"status": "created", "event": f"ev{rng.randint(100, 999)}"}
    steps = [
        Step(role="user", text=question),
        Step(
            role="assistant",
            text=actor.lead(),
            thought=actor.thought(**slots),
            calls=(("create_event", arguments, result),),
        ),
        Step(role="assistant", text=actor.say("answer", **slots)),
    ]
    return actor.plan(("create_event",), steps)


def orders(rng: random.Random, language: str) -> Plan:
    """An order looked up; half of the time a return follows."""
    actor = Actor(rng, language, "orders")
    order = f"{rng.choice('ABCDEFGHK')}{rng.choice('LMNPRSTV')}-{rng.randint(1000, 9999)}"
    month, day = rng.randint(1, 12), rng.randint(1, 20)
    slots = {
        "order": order,
        "product": rng.choice(actor.phrases["products"]),
        "sent": f"2026-{month:02d}-{day:02d}",
        "due": f"2026-{month:02d}-{day + rng.randint(2, 6):02d}",
        "slip": f"R{rng.randint(10, 99)}{rng.choice('XYZ')}",
    }
    result = {"order": order, "status": "sent", "sent_on": slots["sent"], "due_on": slots["due"]}
    steps = [
        Step(role="user", text=actor.say("ask", **slots)),
        Step(
            role="assistant",
            text=actor.lead(),
            thought=actor.thought(**slots),
            calls=(("get_order", {"order": order}, result),),
        ),
        Step(role="assistant", text=actor.say("answer", **slots)),
    ]
    if rng.random() < 0.5:
        complaint, reason = rng.choice(actor.phrases["then"])
        asked = {"order": order, "reason": reason}
        opened = {"return": slots["slip"], "status": "open"}
        steps += [
            Step(role="user", text=complaint),
            Step(role="assistant", calls=(("request_return", asked, opened),)),
            Step(role="assistant", text=actor.say("return", **slots)),
        ]
    return actor.plan(("get_order", "request_return"), steps)


def stock(rng: random.Random, language: str) -> Plan:
    """Two calls in one turn, and their sum."""
    actor = Actor(rng, language, "stock")
    first, second = rng.sample(["north", "south", "east"], 2)
    product = rng.choice(actor.phrases["products"])
    n1, n2 = rng.randint(3, 240), rng.randint(3, 240)
    names = actor.phrases["warehouses"]
    slots = {
        "product": product,
        "w1": names[first],
        "w2": names[second],
        "n1": n1,
        "n2": n2,
        "total": n1 + n2,
        "wanted": max(2, n1 + n2 - rng.randint(1, 40)),
    }
    calls = tuple(
        (
            "query_stock",
            {"product": product, "warehouse": place},
            {"warehouse": place, "pieces": pieces},
        )
        for place, pieces in ((first, n1), (second, n2))
    )
    steps = [
        Step(role="user", text=actor.say("ask", **slots)),
        Step(role="assistant", text=actor.lead(), thought=actor.thought(**slots), calls=calls),
        Step(role="assistant", text=actor.say("answer", **slots)),
    ]
    return actor.plan(("query_stock",), steps)


def calculator(rng: random.Random, language: str) -> Plan:
    """A word problem solved with the calculator."""
    actor = Actor(rng, language, "calculator")
    template, slots = draw_sum(rng, language)
    expression = word(rng, template["expression"], **slots)
    result = {"result": slots[template["result"]]}
    steps = [
        Step(role="user", text=word(rng, rng.choice(template["q"]), **slots)),
        Step(
            role="assistant",
            text=actor.lead(),
            thought=actor.thought(expression=expression),
            calls=(("calculator", {"expression": expression}, result),),
        ),
        Step(role="assistant", text=word(rng, rng.choice(template["a"]), **slots)),
    ]
    return actor.plan(("calculator",), steps)


def notes(rng: random.Random, language: str) -> Plan:
    """Something the user once wrote down."""
    actor = Actor(rng, language, "notes")
    query, note, gist, question = rng.choice(actor.phrases["stories"])
    arguments: Arguments = {"query": query}
    if rng.random() < 0.5:
        arguments["limit"] = rng.randint(1, 5)
    result = {"notes": [{"title": query, "text": note}]}
    steps = [
        Step(role="user", text=question),
        Step(
            role="assistant",
            text=actor.lead(),
            thought=actor.thought(query=query),
            calls=(("search_notes", arguments, result),),
        ),
        Step(role="assistant", text=actor.say("answer", gist=gist)),
    ]
    return actor.plan(("search_notes",), steps)


def books(rng: random.Random, language: str) -> Plan:
    """The library catalogue."""
    actor = Actor(rng, language, "books")
    topic, (one, two) = rng.choice(actor.phrases["shelf"])
    if one[1] < two[1]:
        one, two = two, one
    slots = {"topic": topic, "t1": one[0], "y1": one[1], "t2": two[0], "y2": two[1]}
    arguments: Arguments = {"topic": topic, "available": True}
    if rng.random() < 0.5:
        arguments["language"] = language
    result = {"books": [{"title": title, "year": year} for title, year in (one, two)]}
    steps = [
        Step(role="user", text=actor.say("ask", **slots)),
        Step(
            role="assistant",
            text=actor.lead(),
            thought=actor.thought(**slots),
            calls=(("find_books", arguments, result),),
        ),
        Step(role="assistant", text=actor.say("answer", **slots)),
    ]
    return actor.plan(("find_books",), steps)


TOOL_SCENES: tuple[Callable[[random.Random, str], Plan], ...] = (
    weather,
    exchange,
    trains,
    calendar,
    orders,
    stock,
    calculator,
    notes,
    books,
)
