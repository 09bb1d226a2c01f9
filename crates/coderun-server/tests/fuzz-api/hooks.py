"""Lets some submissions name a language that exists: a text made at random never does."""

import schemathesis

LANGUAGES = ["python", "Node.js", "c++17", "bash"]


def name_language(submission):
    """Names a language where a text that is no language stood: what is wrong stays wrong."""
    if isinstance(submission, dict) and isinstance(submission.get("language"), str) and submission["language"]:
        submission["language"] = LANGUAGES[len(submission["language"]) % len(LANGUAGES)]


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict):
        name_language(body)
        entries = body.get("submissions")
        for entry in entries if isinstance(entries, list) else []:
            name_language(entry)
    return body
