"""Words for the codes of the audit: acts, kinds of objects, kinds of actors; an unknown code stands for itself."""

from __future__ import annotations

from flask_babel import gettext


def action_words() -> dict[str, str]:
    """Return the words of the acts in the reader's language."""
    return _intake_words() | _office_words()


def _intake_words() -> dict[str, str]:
    """Return the words of acts on what comes in and goes up, and on the keys for it."""
    return {
        "backfill.approve": gettext("Approve late readings"),
        "backfill.ask": gettext("Ask for a back-fill"),
        "backfill.explain": gettext("Say why readings are late"),
        "backfill.refuse": gettext("Refuse late readings"),
        "backfill.withdraw": gettext("Withdraw a back-fill request"),
        "evaluation.confirm": gettext("Confirm an agreement on evaluations"),
        "evaluation.propose": gettext("Write down an agreement on evaluations"),
        "key.cut": gettext("Cut off key"),
        "key.make": gettext("Make key"),
        "key.release": gettext("Give key free again"),
        "key.retire": gettext("Retire key"),
        "key.revoke": gettext("Revoke key"),
        "mapping.save": gettext("Save mapping of fields"),
        "map.export": gettext("Export from the map"),
        "map.print": gettext("Print the map"),
        "network.findings.export": gettext("Export findings"),
        "network.import": gettext("Import network"),
        "network.report.export": gettext("Export import report"),
        "network.upload": gettext("Upload delivery"),
        "pull.add": gettext("Enter pulled source"),
        "pull.change": gettext("Change pulled source"),
        "pull.start": gettext("Start pulled source"),
        "pull.stop": gettext("Stop pulled source"),
        "quality.approve": gettext("Approve a quality rule"),
        "quality.ask_waive": gettext("Ask to waive a quality finding"),
        "quality.export": gettext("Export quality scores"),
        "quality.export_findings": gettext("Export quality findings"),
        "quality.keep": gettext("Refuse to waive a quality finding"),
        "quality.propose": gettext("Propose a quality rule"),
        "quality.refuse": gettext("Refuse a quality rule"),
        "quality.reply": gettext("Answer a quality finding"),
        "quality.waive": gettext("Waive a quality finding"),
        "quota.set": gettext("Set quota of intake"),
        "readings.retire": gettext("Retire readings"),
        "receipt.export": gettext("Export receipts"),
        "register.export": gettext("Export register"),
        "sandbox.report": gettext("Export onboarding test report"),
        "superior.put": gettext("Enter or change superior platform"),
        "superior.start": gettext("Start forwarding to superior platform"),
        "superior.stop": gettext("Stop forwarding to superior platform"),
        "upward.again": gettext("Send batch to superior platform again"),
    }


def _office_words() -> dict[str, str]:
    """Return the words of acts on alarms, cases, reports and accounts."""
    return {
        "alarm.acknowledge": gettext("Acknowledge alarm"),
        "alarm.case": gettext("Open case from alarm"),
        "alarm.clear": gettext("Alarm ended"),
        "alarm.disposal": gettext("Disposal of alarm"),
        "alarm.escalate": gettext("Escalate alarm"),
        "alarm.export": gettext("Export alarms"),
        "alarm.judge": gettext("Judge alarm"),
        "alarm.note": gettext("Note on alarm"),
        "alarm.raise": gettext("Raise alarm"),
        "alarm.rebuild": gettext("Rebuild state of alarms"),
        "audit.export": gettext("Export audit"),
        "audit.verify": gettext("Verify the ledgers"),
        "case.accept": gettext("Accept case"),
        "case.close": gettext("Close case"),
        "case.dispatch": gettext("Dispatch case"),
        "case.extend": gettext("Extend case"),
        "case.open": gettext("Open case"),
        "case.refuse": gettext("Refuse case"),
        "case.reply": gettext("Reply to case"),
        "case.return": gettext("Send case back"),
        "case.urge": gettext("Urge case"),
        "case.verify": gettext("Verify case"),
        "case.void": gettext("Void case"),
        "denied": gettext("Access denied"),
        "enterprise.create": gettext("Register enterprise"),
        "enterprise.profile": gettext("Change enterprise profile"),
        "login": gettext("Login"),
        "logout": gettext("Logout"),
        "parameter.set": gettext("Change parameter"),
        "report.download": gettext("Download report"),
        "report.make": gettext("Make report"),
        "report.order": gettext("Order report"),
        "rights.tampered": gettext("Rights were tampered with"),
        "session.end": gettext("End session"),
        "session.end_others": gettext("End other sessions"),
        "site_finding.read_evidence": gettext("Open evidence"),
        "site_finding.record": gettext("Record on-site finding"),
        "user.create": gettext("Create account"),
        "user.disable": gettext("Close account"),
        "user.enable": gettext("Open account"),
        "user.language": gettext("Change language"),
        "user.password": gettext("Change password"),
        "user.reset": gettext("Reset password"),
        "user.rights": gettext("Change rights"),
    }


def object_words() -> dict[str, str]:
    """Return the words of the kinds of objects in the reader's language."""
    return {
        "alarm": gettext("alarm"),
        "api_key": gettext("key"),
        "audit_entry": gettext("audit"),
        "case": gettext("case"),
        "dict_entry": gettext("code table"),
        "drill": gettext("drill record"),
        "emergency_plan": gettext("emergency plan record"),
        "emergency_supply": gettext("emergency supply record"),
        "emergency_team": gettext("emergency team record"),
        "enterprise": gettext("enterprise"),
        "enterprise_mapping": gettext("field mapping"),
        "hidden_danger": gettext("hidden danger record"),
        "household_check": gettext("household check record"),
        "import_job": gettext("delivery"),
        "incident": gettext("incident record"),
        "ledger": gettext("ledger"),
        "monthly_report": gettext("monthly report record"),
        "parameter": gettext("parameter"),
        "patrol": gettext("patrol record"),
        "permission": gettext("permission"),
        "backfill_request": gettext("back-fill request"),
        "evaluation_agreement": gettext("Agreement on evaluations"),
        "pull_source": gettext("source asked by schedule"),
        "quality_finding": gettext("data quality finding"),
        "quality_rule": gettext("data quality rule"),
        "quality_score": gettext("data quality scores"),
        "reading_day": gettext("day of readings"),
        "receipt": gettext("receipt"),
        "report": gettext("report"),
        "report_order": gettext("report order"),
        "session": gettext("session"),
        "site_evidence": gettext("evidence of a finding"),
        "site_finding": gettext("on-site finding"),
        "superior": gettext("superior platform on record"),
        "upward_batch": gettext("batch to a superior platform"),
        "user": gettext("account"),
        "works_site": gettext("works site record"),
    }


def actor_words() -> dict[str, str]:
    """Return the words of the kinds of actors in the reader's language."""
    return {
        "user": gettext("person"),
        "program": gettext("program"),
        "job": gettext("scheduled job"),
        "cli": gettext("command line"),
        "nobody": gettext("visitor"),
    }


def all_words() -> dict[str, dict[str, str]]:
    """Return the three tables for a template."""
    return {"action_words": action_words(), "object_words": object_words(), "actor_words": actor_words()}
