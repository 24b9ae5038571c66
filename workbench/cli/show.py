"""`workbench list` and `workbench show NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench import content
from workbench.cli.console import print_json, table
from workbench.errors import UnknownNameError


def list_command(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print tables of theorems and derivations")] = False,
    page: Annotated[bool, typer.Option("--page", help="Print the whole catalogue as a Markdown page")] = False,
    errata: Annotated[
        bool, typer.Option("--errata", help="Print the false forms of statements, with counterexamples")
    ] = False,
) -> None:
    """List theorems, derivations, reports, dynamics, starts, targets, observables, backends and kinds of probes."""
    from workbench import backends, dynamics, initialization, observables, probes, targets, theorems

    if markdown:
        print(catalogue_markdown())
        return
    if page:
        from workbench.cli import catalogue

        print(catalogue.page(Path()), end="")
        return
    loaded = [theorems.load(name) for name in theorems.catalogue()]
    if errata:
        _print_errata(loaded, json=json)
        return
    parts = {
        "derivations": list(content.modules("derivations")),
        "reports": list(content.reports()),
        "dynamics": dynamics.catalogue(),
        "starts": initialization.catalogue(),
        "targets": targets.catalogue(),
        "observables": observables.catalogue(),
        "backends": backends.catalogue(),
        "probes": probes.catalogue(),
    }
    if json:
        statements = [{"name": t.name, "title": t.title, "standing": t.standing, "tight": t.tight} for t in loaded]
        print_json({"theorems": statements, **parts})
        return
    rows = [[t.name, " ".join(t.title.split()), f"{t.source.authors.split(',')[0]} {t.source.year}"] for t in loaded]
    print(table(rows, ["theorem", "statement", "source"]))
    print()
    for kind, names in parts.items():
        print(f"{kind}: {', '.join(names) or 'none'}")


def _print_errata(loaded: list[Any], *, json: bool) -> None:
    """Print the false forms that stand somewhere, each with what refutes it."""
    found = [
        {
            "theorem": theorem.name,
            "printed": erratum.printed,
            "where": erratum.where,
            "counterexample": dict(erratum.counterexample),
            "refutation": erratum.refutation,
            "refuted": erratum.refutes(erratum.counterexample),
        }
        for theorem in loaded
        for erratum in theorem.errata
    ]
    if json:
        print_json({"errata": found})
        return
    for item in found:
        numbers = ", ".join(f"{name} = {value}" for name, value in item["counterexample"].items())
        print(f"{item['theorem']}: {item['where']}")
        print(f"  printed         {item['printed']}")
        print(f"  counterexample  {numbers}")
        print(f"  refutation      {item['refutation']} ({'confirmed' if item['refuted'] else 'NOT CONFIRMED'} exactly)")


def catalogue_markdown() -> str:
    """Return the theorems and derivations as Markdown tables, for the README."""
    from workbench import derivation, theorems

    rows = ["| theorem | statement | source |", "|---|---|---|"]
    for theorem in map(theorems.load, theorems.catalogue()):
        source = f"{theorem.source.authors} {theorem.source.year}, {theorem.source.locator}"
        rows.append(f"| `{theorem.name}` | {_one_line(theorem.title)} | {source} |")
    rows += ["", "| derivation | claim | source |", "|---|---|---|"]
    for claim in map(derivation.load, derivation.catalogue()):
        source = "{authors} {year}, {locator}".format(**claim.source)
        rows.append(f"| `{claim.name}` | {_one_line(claim.title)} | {source} |")
    return "\n".join(rows)


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def show_command(
    name: Annotated[str, typer.Argument(help="Name or path of a theorem or derivation, or a shared stem")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Print a statement with hypotheses, standing, proof and source, and everything that shares its name."""
    from workbench import derivation, theorems

    thread = _thread(name)
    path = theorems.is_path(name)
    if name in theorems.catalogue() or (path and not derivation.is_derivation(Path(name))):
        theorem = theorems.load(name)
        document, words = _document(theorem), _text(theorem)
    elif path or name in content.modules("derivations"):
        claim = derivation.load(name)
        document, words = _claim(claim), claim.text() + "\n"
    elif any(thread.values()):
        document, words = {"name": name}, ""
    else:
        raise UnknownNameError("theorem or derivation", name, [*theorems.catalogue(), *content.modules("derivations")])
    if json:
        print_json({**document, "thread": thread})
        return
    if words:
        print(words)
    for kind, names in thread.items():
        if names:
            print(f"{kind}: {', '.join(names)}")


def _thread(name: str) -> dict[str, list[str]]:
    """Return the parts that share a stem."""
    from workbench import dynamics, initialization, observables, targets, theorems

    stem = name.split("/")[-1].removesuffix(".py")
    parts = {
        "theorems": theorems.catalogue(),
        "observables": observables.catalogue(),
        "derivations": list(content.modules("derivations")),
        "dynamics": dynamics.catalogue(),
        "starts": initialization.catalogue(),
        "targets": targets.catalogue(),
        "reports": list(content.reports()),
    }
    return {kind: [n for n in names if n == stem or n.startswith(stem + "_")] for kind, names in parts.items()}


def _document(theorem: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "name": theorem.name,
        "title": theorem.title,
        "statement": theorem.statement,
        "hypotheses": [{"name": k, "text": v} for k, v in theorem.hypothesis_texts.items()],
        "presupposed": dict(theorem.presupposed),
        "perhaps_unnecessary": dict(theorem.perhaps_unnecessary),
        "standing": theorem.standing,
        "proof": theorem.proof,
        "tight": theorem.tight,
        "observes": list(theorem.observes),
        "source": asdict(theorem.source),
        "bibtex": theorem.source.bibtex(),
        "examples": [{"name": e.name, "expect": e.expect} for e in (*theorem.examples, *theorem.families)],
        "errata": [
            {
                "printed": e.printed,
                "where": e.where,
                "counterexample": dict(e.counterexample),
                "refutation": e.refutation,
            }
            for e in theorem.errata
        ],
    }


def _claim(claim: Any) -> dict[str, Any]:
    return {
        "name": claim.name,
        "title": claim.title,
        "claim": claim.claim,
        "scope": claim.scope,
        "depths": list(claim.depths),
        "source": dict(claim.source),
    }


def _text(theorem: Any) -> str:
    source = theorem.source
    hypotheses = "\n".join(f"    {name}: {words}" for name, words in theorem.hypothesis_texts.items())
    parts = [
        f"{theorem.name}\n\n{theorem.title}",
        "Statement" + (" (claimed sharp)" if theorem.tight else "") + f"\n{_indented(theorem.statement)}",
        f"Hypotheses\n{hypotheses}",
        f"Standing\n{_indented(theorem.standing)}",
    ]
    for heading, lines in (("Presupposed", theorem.presupposed), ("Perhaps unnecessary", theorem.perhaps_unnecessary)):
        if lines:
            parts.append("\n".join([heading, *(f"    {name}: {words}" for name, words in lines.items())]))
    for erratum in theorem.errata:
        numbers = ", ".join(f"{name} = {value}" for name, value in erratum.counterexample.items())
        words = f"{erratum.printed}\nin {erratum.where}\nis false at {numbers}: {erratum.refutation}"
        parts.append(f"Erratum\n{_indented(words)}")
    if theorem.proof:
        parts.append(f"Proof\n{_indented(theorem.proof)}")
    parts.append(f"Source\n    {source.authors} ({source.year}). {source.title}. {source.where}. {source.locator}")
    parts.append(source.bibtex())
    return "\n\n".join(parts) + "\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())
