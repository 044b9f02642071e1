"""Words of onboarding: states, steps, cases, doors and documents in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _

from ingestion_adapters.onboarding.models import Onboarding, OnboardingStep
from ingestion_adapters.onboarding.rules import PATH


def state_words() -> dict[str, str]:
    """Return state -> words."""
    return {
        "applied": _("District review"),
        "district_passed": _("City review"),
        "city_passed": _("Sandbox key"),
        "testing": _("Testing in the sandbox"),
        "live_asked": _("Approval to go live"),
        "live": _("Live"),
        "refused": _("Application refused"),
        "withdrawn": _("Withdrawn"),
    }


def step_words() -> dict[str, str]:
    """Return step -> words for the timeline."""
    return {
        "apply": _("Applied"),
        "district_pass": _("District passed it"),
        "district_refuse": _("District refused it"),
        "city_pass": _("City passed it"),
        "city_refuse": _("City refused it"),
        "sandbox_key": _("Sandbox key issued"),
        "ask_live": _("Asked to go live"),
        "live_pass": _("City approved going live"),
        "live_back": _("Sent back to testing"),
        "live_key": _("Live key issued"),
        "withdraw": _("Withdrawn"),
    }


def case_words() -> dict[str, tuple[str, str]]:
    """Return case -> its name and how it is passed."""
    return {
        "signature": (_("Wrong signature refused"), _("Send one request whose signature does not fit")),
        "replay": (_("Repeated request refused"), _("Send the same signed request twice")),
        "compressed": (_("Compressed body"), _("Send one batch with Content-Encoding gzip or zstd")),
        "good": (_("Batch in order"), _("Send a batch of which no row is refused")),
        "bad_row": (_("Wrong row refused"), _("Send a row with a wrong value, code or time")),
        "unknown_object": (_("Unknown object refused"), _("Send a row about an object that is not in the register")),
        "late": (_("Late row noted"), _("Send a row after its time limit")),
    }


def tone_of(state: str) -> str:
    """Return the tone of a state's tag."""
    return {"live": "ok", "refused": "bad", "withdrawn": "", "testing": "info"}.get(state, "warn")


def progress_of(row: Onboarding, steps: list[OnboardingStep]) -> list[dict[str, str]]:
    """Return the stations of an application for the stepper; a refused one stops where it was refused."""
    words = state_words() | {"live": _("Live")}
    done = {"district_pass", "city_pass", "sandbox_key", "ask_live", "live_pass"} & {step.step for step in steps}
    here = PATH.index(row.state) if row.state in PATH else len(done)
    ended = row.state in ("refused", "withdrawn")
    line = [{"label": _("Application"), "state": "done", "note": ""}]
    for place, state in enumerate(PATH):
        mark = "done" if place < here or row.state == "live" else "now" if place == here else ""
        note = words[row.state] if ended and place == here else ""
        line.append({"label": words[state], "state": mark, "note": note})
    return line


def door_words() -> dict[str, str]:
    """Return door -> words."""
    return {
        "http": _("HTTP push"),
        "mqtt": "MQTT",
        "drop": _("Drop folder"),
        "upload": _("Upload page"),
        "pull": _("Pull by the portal"),
    }


def paper_words() -> dict[str, str]:
    """Return kind of document -> words."""
    return {
        "licence": _("Licence"),
        "safety": _("Safety management"),
        "system": _("Description of the system"),
        "other": _("Other"),
    }
