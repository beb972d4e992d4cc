"""A report as one HTML file: no script, nothing fetched, readable on a phone and on paper."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from evaluation import plots
from evaluation.run import Record, Sample
from evaluation.score import Interval, Score, difference, interval
from evaluation.standing import OVERALL, Standing, ahead, standing
from evaluation.table import AXES, MEASURES, faults

# Replies to read: of each character, and of the worst.
SAMPLES, WORST = 8, 24

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, "Noto Sans CJK SC", "Noto Sans SC", sans-serif;
       max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.about, .small { color: #777; font-size: .9rem; } td .small { white-space: nowrap; }
.big { font-size: 2.4rem; font-weight: 600; margin: .3rem 0 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: right;
         vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
td.quiet { color: #777; } td.wins { font-weight: 600; }
figure { margin: 1rem 0; background: #fff; border-radius: .5rem; }
figure svg { width: 100%; height: auto; max-height: 34rem; display: block; }
.reply { border: 1px solid var(--line); border-radius: .6rem; padding: .55rem .8rem;
         margin: .6rem 0; background: var(--soft); overflow-wrap: anywhere; }
.reply p { margin: .15rem 0; } .reply .q { color: #777; }
.fault { display: inline-block; font-size: .78rem; border: 1px solid #c8502d; color: #c8502d;
         border-radius: 1rem; padding: 0 .5rem; margin: .2rem .3rem 0 0; }
"""


def write_report(folder: Path, record: Record) -> Path:
    """report.html in the folder, whole or not at all."""
    return _write(folder / "report.html", report(record))


def write_comparison(path: Path, records: Sequence[Record]) -> Path:
    """A page that sets reports side by side, the first against each of the others."""
    return _write(path, comparison(records))


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path


def report(record: Record) -> str:
    """The page of one examination."""
    rows = standing(record.scores)
    parts = [
        f"<h1>How good a voice: {escape(record.name)}</h1>",
        _about(record),
        _verdict(rows),
        f"<figure>{plots.radar({record.name: rows})}</figure>" if len(rows) > 3 else "",
        f"<figure>{plots.bars({record.name: rows})}</figure>" if rows else "",
        _legend(rows),
        "<h2>All measures</h2>",
        _table(record),
        _notes(record),
        "<h2>The worst replies</h2>",
        '<p class="small">Ordered by how grave their faults are; the mechanical ones are found by '
        "word lists and can be wrong.</p>",
        *map(_reply, [s for s in record.samples if s.faults][:WORST]),
        "<h2>Every character, as it comes</h2>",
        '<p class="small">Not chosen: the first replies of the exam, one in each part.</p>',
        *_voices(record.samples),
    ]
    return _page(f"Report: {record.name}", parts)


def comparison(records: Sequence[Record]) -> str:
    """The page of several examinations."""
    names = unique_names(records)
    stood = {n: standing(record.scores) for n, record in zip(names, records, strict=True)}
    order = sorted(names, key=lambda name: -_overall(stood[name]))
    parts = [
        "<h1>Voices side by side</h1>",
        f"<p>{' &gt; '.join(escape(name) for name in order)} "
        '<span class="small">(by their overall standing)</span></p>',
        f"<figure>{plots.radar(stood)}</figure>" if any(stood.values()) else "",
        f"<figure>{plots.bars(stood)}</figure>" if any(stood.values()) else "",
        _legend(stood[names[0]]),
        f"<h2>By how much {escape(names[0])} leads</h2>",
        '<p class="small">Difference on each axis and its 95 % interval; questions that both '
        "answered are drawn together. Bold: the interval does not hold 0.</p>",
        _leads(names, records),
        "<h2>All measures</h2>",
        '<p class="small">Arrows say which direction is good. Judges’ scores stand side by side '
        "only where the judge and its prompt are the same.</p>",
        _side_by_side(names, records),
        "<h2>The same questions</h2>",
        *_same_questions(names, records),
        "<h2>The worst replies of each</h2>",
    ]
    for name, record in zip(names, records, strict=True):
        parts.append(f"<h3>{escape(name)}</h3>")
        parts += map(_reply, [s for s in record.samples if s.faults][:6])
    return _page("Voices side by side", parts)


def unique_names(records: Sequence[Record]) -> list[str]:
    """A name for each report; a number is added where two have the same."""
    names: list[str] = []
    for record in records:
        name, number = record.name, 1
        while name in names:
            number += 1
            name = f"{record.name} ({number})"
        names.append(name)
    return names


def number(value: float | None) -> str:
    """A score as text: shares with three digits, lengths with one."""
    if value is None:
        return "–"
    return f"{value:.1f}" if abs(value) >= 2 else f"{value + 0.0:.3f}".replace("-0.000", "0.000")


def between(found: Interval | None) -> str:
    """An interval as text, nothing where there is none."""
    return f"{number(found[0])} … {number(found[1])}" if found else ""


def _page(title: str, parts: Iterable[str]) -> str:
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{body}\n</body>\n</html>\n"
    )


def _about(record: Record) -> str:
    told = {k: v for k, v in record.about.items() if k != "name" and v not in ("", None, [], {})}
    shown = (
        f"{escape(str(key)).replace('_', ' ')}: "
        f"{escape(', '.join(map(str, value)) if isinstance(value, list) else str(value))}"
        for key, value in told.items()
    )
    return f'<p class="about">{" · ".join(shown)}</p>'


def _overall(rows: Sequence[Standing]) -> float:
    return next((row.value for row in rows if row.axis == OVERALL), 0.0)


def _verdict(rows: Sequence[Standing]) -> str:
    for row in rows:
        if row.axis == OVERALL:
            return (
                f'<p class="big">{number(row.value)}</p><p class="small">overall, the mean of the '
                f"axes below (0: chance, 1: perfect); 95 % interval {between(row.interval)}</p>"
            )
    return ""


def _legend(rows: Sequence[Standing]) -> str:
    told = "".join(
        f"<li><b>{escape(row.axis)}</b>: {escape(AXES[row.axis])}</li>"
        for row in rows
        if row.axis in AXES
    )
    return f'<ul class="small">{told}</ul>' if told else ""


_ARROWS = {"high": " ↑", "low": " ↓", "": ""}


def _table(record: Record) -> str:
    characters = list(record.about.get("characters", ()))
    head = "".join(f"<th>{escape(name)}</th>" for name in characters)
    meaning = {measure.name: measure.meaning for measure in MEASURES}
    lines = []
    for score in record.scores:
        own = "".join(f"<td>{number(score.of(name).mean)}</td>" for name in characters)
        judged = f' <span class="small">by {escape(score.judge)}</span>' if score.judge else ""
        if score.unparsed:
            judged += f' <span class="small">({score.unparsed} not understood)</span>'
        named = f"{escape(score.name)}{_ARROWS[score.better]}{judged}"
        lines.append(
            f'<tr><td title="{escape(meaning.get(score.name, ""))}">{named}</td>'
            f"<td><b>{number(score.mean)}</b>"
            f'<br><span class="small">{between(interval(score.values))}</span></td>{own}'
            f'<td class="quiet">{len(score.values)}</td></tr>'
        )
    return (
        '<div class="scroll"><table><tr><th>measure</th><th>mean, 95 % interval</th>'
        f"{head}<th>n</th></tr>{''.join(lines)}</table></div>"
    )


def _notes(record: Record) -> str:
    if not record.notes:
        return ""
    rows = "".join(f"<li>{escape(note)}</li>" for note in record.notes)
    return f'<p class="small">Not measured:</p><ul class="small">{rows}</ul>'


def _reply(sample: Sample) -> str:
    known = faults()
    labels = [
        fault if fault not in known or known[fault].value else f"not: {fault}"
        for fault in sample.faults
    ]
    shown = "".join(f'<span class="fault">{escape(label)}</span>' for label in labels)
    said = escape(sample.text) or "<i>nothing</i>"
    return (
        f'<div class="reply"><p class="q">{escape(sample.question)}</p>'
        f"<p><b>{escape(sample.name)}</b>：{said}</p>{shown}</div>"
    )


def _voices(samples: Sequence[Sample]) -> Iterable[str]:
    by_character: dict[str, list[Sample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda s: s.id):
        by_character[sample.name].append(sample)
    for name, mine in by_character.items():
        yield f"<h3>{escape(name)}</h3>"
        yield from map(_reply, _spread(mine, SAMPLES))


def _spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """The first of each part in turn, until there are enough."""
    parts: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        parts[sample.part].append(sample)
    rounds = max(map(len, parts.values()), default=0)
    taken = [mine[turn] for turn in range(rounds) for mine in parts.values() if turn < len(mine)]
    return taken[:count]


def _leads(names: Sequence[str], records: Sequence[Record]) -> str:
    columns = [
        {row.axis: row for row in ahead(records[0].scores, other.scores)} for other in records[1:]
    ]
    axes = list(dict.fromkeys(axis for column in columns for axis in column))
    head = "".join(f"<th>over {escape(name)}</th>" for name in names[1:])
    lines = []
    for axis in axes:
        cells = "".join(_gap(column.get(axis)) for column in columns)
        lines.append(f"<tr><td>{escape(axis)}</td>{cells}</tr>")
    return f'<div class="scroll"><table><tr><th>axis</th>{head}</tr>{"".join(lines)}</table></div>'


def _gap(row: Standing | None) -> str:
    if row is None:
        return "<td>–</td>"
    sure = row.interval is not None and (row.interval[0] > 0 or row.interval[1] < 0)
    return (
        f"<td{' class=wins' if sure else ''}>{row.value:+.3f}"
        f'<br><span class="small">{between(row.interval)}</span></td>'
    )


def comparable(first: Score, second: Score) -> bool:
    """Whether two scores may be set against each other: nobody judged, or the same judge did."""
    return first.judge == second.judge


def _side_by_side(names: Sequence[str], records: Sequence[Record]) -> str:
    measures = list(dict.fromkeys(score.name for record in records for score in record.scores))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = []
    for measure in measures:
        scores = [record.score(measure) for record in records]
        reference = scores[0]
        cells, better = [], ""
        for index, score in enumerate(scores):
            if score is None:
                cells.append("<td>–</td>")
                continue
            better = _ARROWS[score.better]
            text = f"{number(score.mean)}"
            if index and reference is not None:
                if not comparable(reference, score):
                    text = '<span class="small">another judge</span>'
                elif (gap := difference(reference.values, score.values)) is not None:
                    text += f'<br><span class="small">{gap[0]:+.3f} ({between(gap[1])})</span>'
            cells.append(f"<td>{text}</td>")
        lines.append(f"<tr><td>{escape(measure)}{better}</td>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll"><table><tr><th>measure</th>{head}</tr>{"".join(lines)}</table></div>'
        '<p class="small">Small print: the first column minus this one, with its interval.</p>'
    )


def _same_questions(names: Sequence[str], records: Sequence[Record]) -> Iterable[str]:
    by_id: list[Mapping[str, Sample]] = [{s.id: s for s in r.samples} for r in records]
    shared = [s for s in records[0].samples if all(s.id in ids for ids in by_id)]
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in sorted(shared, key=lambda s: s.id):
        groups[sample.character].append(sample)
    for mine in groups.values():
        for sample in _spread(mine, 4):
            lines = "".join(
                f"<p><b>{escape(name)}</b>：{escape(ids[sample.id].text) or '<i>nothing</i>'}</p>"
                for name, ids in zip(names, by_id, strict=True)
            )
            yield (
                f'<div class="reply"><p class="q">{escape(sample.name)} · '
                f"{escape(sample.question)}</p>{lines}</div>"
            )
