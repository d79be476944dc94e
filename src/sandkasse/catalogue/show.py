"""Cards as a person meets them in a notebook or a terminal."""

from collections.abc import Mapping
from html import escape

from sandkasse.catalogue.card import Card

# Of these tiers there is no publication of the data but the dataset itself.
_ITS_OWN_PUBLICATION = ("simulated", "twin")
_LEFT = "style='text-align:left'"


class CardList(tuple[Card, ...]):
    """Some cards, shown as a table in a notebook."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self:
            return "No datasets here yet. `sandkasse up` prepares the first."
        width = max(len(card.contract.name) for card in self)
        return "\n".join(f"{card.contract.name:<{width}}  {card.id}@{card.version}: {card.title}" for card in self)

    def _repr_html_(self) -> str:
        if not self:
            return f"<p>{escape(repr(self))}</p>"
        rows = "".join(
            f"<tr><td {_LEFT}><code>{escape(card.contract.name)}</code></td>"
            f"<td {_LEFT}><code>{escape(card.id)}</code></td>"
            f"<td {_LEFT}>{escape(card.tier)}</td><td {_LEFT}>{escape(card.title)}</td></tr>"
            for card in self
        )
        head = "".join(f"<th {_LEFT}>{name}</th>" for name in ("open by", "dataset", "tier", "what it is"))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def show_text(card: Card, holds: Mapping[str, str]) -> str:
    """Show a card as a few lines of text.

    Args:
        card: The card.
        holds: What each table holds, in a few words, where that is known.
    """
    lines = [f"{card.title}", f"{card.reference} · {_facts(card)}", ""]
    width = max(len(table) for table in card.tables)
    lines += [
        f"  {table:<{width}}  {rows:>13,} rows  {holds.get(table, '')}".rstrip() for table, rows in card.rows.items()
    ]
    lines += [f"\n{line}" for line in _last_lines(card)]
    return "\n".join(lines)


def show_html(card: Card, holds: Mapping[str, str]) -> str:
    """Show a card as a compact piece of HTML for a notebook; inherits the notebook's colours, light or dark.

    Args:
        card: The card.
        holds: What each table holds, in a few words, where that is known.
    """
    described = f"<th {_LEFT}>what it holds</th>" if holds else ""
    rows = "".join(
        f"<tr><td {_LEFT}><code>{escape(table)}</code></td>"
        + (f"<td {_LEFT}>{escape(holds.get(table, ''))}</td>" if holds else "")
        + f"<td style='text-align:right'>{rows:,}</td></tr>"
        for table, rows in card.rows.items()
    )
    last = "".join(f"<p style='margin:.4em 0 0'>{escape(line)}</p>" for line in _last_lines(card))
    return (
        "<div style='border-left:4px solid #0f766e;padding:.2em 0 .2em 1em;max-width:72ch'>"
        f"<p style='margin:0;font-size:1.15em;font-weight:600'>{escape(card.title)}</p>"
        f"<p style='margin:.2em 0 .6em'><code>{escape(card.reference)}</code> · {escape(_facts(card))}</p>"
        "<table style='margin:0'><thead><tr><th style='text-align:left'>table</th>"
        f"{described}<th style='text-align:right'>rows</th></tr></thead><tbody>{rows}</tbody></table>{last}</div>"
    )


def describe_card(card: Card) -> list[str]:
    """Give everything that a card says, as lines of text."""
    said = [
        ("publisher", card.publisher),
        ("published", card.how_published),
        ("anonymity", card.anonymity),
        ("licence", f"{card.licence.name}, {card.licence.url}"),
        ("contract", f"{card.contract.name} {card.contract.version}"),
        ("keywords", ", ".join(card.keywords)),
        ("real data", card.how_to_get_real),
        *(("known fault", fault) for fault in card.known_faults),
        *((("cite", cite_itself(card)),) if card.tier in _ITS_OWN_PUBLICATION else ()),
        *(
            (
                "builds on" if card.tier in _ITS_OWN_PUBLICATION else "cite",
                f"{item.text}{f' doi:{item.doi}' if item.doi else ''}",
            )
            for item in card.citations
        ),
    ]
    width = max(len(name) for name, _ in said)
    head = [card.title, f"{card.reference} · {_facts(card)}", "", card.summary, ""]
    tables = ["", *(f"{table}: {rows:,} rows" for table, rows in card.rows.items())]
    return [*head, *(f"{name:<{width}}  {text}" for name, text in said if text), *tables]


def _facts(card: Card) -> str:
    persons = f"{card.persons:,} persons" if card.persons is not None else None
    return " · ".join(part for part in (card.tier, persons, card.period, card.licence.name) if part)


def cite_itself(card: Card) -> str:
    """Cite a dataset as it is here: who made it, its title, version and year."""
    return f"{card.publisher}. {card.title}. Version {card.version}, {card.created.year}."


def _last_lines(card: Card) -> list[str]:
    lines = [f"Cite: {item.text}{f' doi:{item.doi}' if item.doi else ''}" for item in card.citations[:1]]
    if card.tier in _ITS_OWN_PUBLICATION:
        lines = [f"Cite: {cite_itself(card)}"]
    if card.known_faults:
        faults = "1 known fault" if len(card.known_faults) == 1 else f"{len(card.known_faults)} known faults"
        lines.append(f"{faults}: see .card.known_faults")
    return lines
